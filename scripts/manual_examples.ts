/**
 * What the manual pages show of each tool: what for, and the command line.
 *
 * @module
 */
type Example = readonly [words: string, command: string];

export const EXAMPLES: Readonly<Record<string, readonly Example[]>> = {
  "bench-compare": [
    [
      "Whether the new side of pairs is worse:",
      "bench-compare --fail-on worse pairs/base pairs/new",
    ],
    [
      "A page about both sides:",
      "bench-compare --page pairs.html pairs/base pairs/new",
    ],
  ],
  "bench-fixture": [
    [
      "Threshold one image 600 times, one row a frame:",
      "bench-fixture /dev/video7 /dev/dma_heap/system noise-vga.pgm vga.csv 600 threshold",
    ],
    [
      "The same where the kernel has no dma-heap, without the threshold:",
      "bench-fixture /dev/video7 /dev/udmabuf noise-vga.pgm vga.csv 600 none",
    ],
  ],
  "bench-report": [["A page of what a bench left in a folder:", "bench-report bench/mine"]],
  "camera-report": [
    ["The cameras there are, with their formats, sizes and rates:", "camera-report"],
    [
      "Whether a webcam keeps up, as a page and for a script:",
      "camera-report /dev/video0 webcam --fps 30 --expect 'dropped<=1' --expect 'fps=30+-5%'",
    ],
    ["What a camera does at this moment, on one screen:", "camera-report /dev/video0 --live"],
  ],
  "capture-dmabuf": [
    [
      "A camera's frames as DMABUF through the filter:",
      "capture-dmabuf /dev/video0 /dev/video7 dmabuf.csv 600",
    ],
    ["Frames of a loopback writer, without a copy:", "capture-dmabuf /dev/video2 loop.csv 600"],
  ],
  "capture-m2m": [
    [
      "A camera's frames through the filter, copied in between:",
      "capture-m2m /dev/video0 /dev/video7 m2m.csv 600 mmap threshold 100",
    ],
  ],
  "capture-mmap": [
    [
      "A webcam's frames as it delivers them:",
      "capture-mmap /dev/video0 mmap.csv 600 --format yuyv --size 1280x720 --fps 0",
    ],
  ],
  "capture-read": [["By read(2):", "capture-read /dev/video0 read.csv 600"]],
  "capture-userptr": [
    [
      "Into memory that is new for each frame:",
      "capture-userptr /dev/video0 userptr.csv 600 reset",
    ],
  ],
  check: [
    ["What differs from kernel to kernel, as root:", "check --short"],
    ["The decoder alone:", "check --only decoder"],
  ],
  "cv-ref": [["What the filter should have made of an image:", "cv-ref in.pgm reference.pgm 127"]],
  "decode-file": [
    ["A VP9 stream to raw pictures:", "decode-file vp9-320x240.ivf out.nv12"],
    ["A CRC a picture alone:", "decode-file film.h264 /dev/null --digest out.txt"],
  ],
  "decoder-daemon": [
    ["Which codecs this machine's FFmpeg has:", "decoder-daemon --selftest"],
  ],
  "dump-pgm": [["The first frame of a raw file:", "dump-pgm frames.grey frame.pgm 640 480"]],
  "fixture-feed": [
    [
      "One image through the filter:",
      "fixture-feed /dev/video7 /dev/dma_heap/system noise-vga.pgm out.pgm",
    ],
  ],
  "loop-ctl": [
    [
      "One more node, /dev/video20, which browsers take for a camera:",
      "loop-ctl add 20 --name Camera --exclusive-caps --max-width 1920",
    ],
    ["The nodes there are, for a script:", "loop-ctl list --json"],
    ["A picture where nobody writes:", "loop-ctl still 20 away.png --timeout 500"],
  ],
  "loop-write": [
    ["A moving pattern until Ctrl-C:", "loop-write /dev/video2 pattern"],
    [
      "A film at its own rate, over and over:",
      "loop-write /dev/video2 film.mkv --format nv12 --loop",
    ],
  ],
  "meta-drain": [
    ["The filter's account of 600 frames:", "meta-drain /dev/vpipe-meta meta.csv 600 --stages"],
  ],
  "pgm-diff": [
    ["Whether two images are the same:", "pgm-diff --exit-code a.pgm b.pgm difference.pgm"],
  ],
  "trace-frames": [
    [
      "Every frame of a bench, to be opened at ui.perfetto.dev:",
      "trace-frames bench/mine --chrome frames.json",
    ],
    [
      "The slowest frames, and who ran meanwhile, by trace_v4l2.sh and trace-cmd report:",
      "trace-frames bench/mine --trace trace.txt",
    ],
  ],
};
