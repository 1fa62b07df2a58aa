/**
 * Graphics drivers without hardware, and a screen of one: what is shown there, and what the driver
 * makes of it. Source: drm-kms.rst and drm-uapi.rst of the kernel's documentation.
 *
 * @module
 */
import { Dmabuf } from "../../lib/dmabuf/dma_buf.ts";
import { dumbBufferFile } from "../../lib/dmabuf/dumb_buffer.ts";
import { File, O_RDWR } from "../../lib/sys/file.ts";
import { ioctl } from "../../lib/sys/ioctl.ts";
import { addressOf } from "../../lib/sys/libc.ts";
import { Poller, POLLIN } from "../../lib/sys/poll.ts";
import * as drm from "../../lib/uapi/drm.ts";
import * as mode from "../../lib/uapi/drm_mode.ts";
import { fourcc } from "../../lib/uapi/videodev2.ts";
import { expect } from "./suite.ts";

const WAIT_MS = 20_000;

const addressOfArray = ({ buffer }: Uint32Array<ArrayBuffer> | BigUint64Array<ArrayBuffer>) =>
  addressOf(new Uint8Array(buffer));

/** The node of a driver, `/dev/dri/card0`. */
export function graphicsNode(driver: string): string {
  const cards = "/sys/class/drm";
  const names = Array.from(Deno.readDirSync(cards), ({ name }) => name);
  const card = names.filter((name) => /^card\d+$/.test(name)).sort()
    .find((name) => Deno.realPathSync(`${cards}/${name}`).includes(`/${driver}/`));
  expect(card !== undefined, `${driver} has no node`);
  return `/dev/dri/${card}`;
}

/** Makes a handle of a dma-buf, which the device has until it is closed. */
export function importHandle(device: File, fd: number): number {
  const prime = drm.drm_prime_handle.alloc({ fd });
  ioctl(device, drm.DRM_IOCTL_PRIME_FD_TO_HANDLE, prime.bytes);
  return prime.handle;
}

/** What a picture is shown from: one dma-buf, and where its planes lie in it. */
export interface Framebuffer {
  readonly fd: number;
  readonly width: number;
  readonly height: number;
  /** Of four letters, as DRM has it. */
  readonly format: string;
  readonly planes: readonly { readonly offset: number; readonly bytesperline: number }[];
}

/** A property of an object: its id and its value. */
type Properties = ReadonlyMap<string, { readonly id: number; readonly value: bigint }>;

interface Part {
  readonly id: number;
  readonly properties: Properties;
}

/** The first screen of a device, and the connector that writes it back to memory. */
export class Screen implements Disposable {
  readonly #device: File;
  readonly #crtc: Part;
  readonly #plane: Part;
  readonly #connector: Part;
  readonly #writeback: Part;

  /** @param path `/dev/dri/card0`, of a driver such as vkms */
  constructor(readonly path: string) {
    this.#device = File.open(path, O_RDWR);
    for (const capability of [drm.DRM_CLIENT_CAP_ATOMIC, drm.DRM_CLIENT_CAP_WRITEBACK_CONNECTORS]) {
      const { bytes } = drm.drm_set_client_cap.alloc({ capability, value: 1 });
      ioctl(this.#device, drm.DRM_IOCTL_SET_CLIENT_CAP, bytes);
    }
    const { crtcs, connectors, planes } = this.#objects();
    const one = (what: string, parts: readonly Part[], is: (properties: Properties) => boolean) => {
      const part = parts.find(({ properties }) => is(properties));
      expect(part !== undefined, `${path} has no ${what}`);
      return part;
    };
    this.#crtc = one("CRTC", crtcs, () => true);
    // DRM_PLANE_TYPE_PRIMARY
    this.#plane = one("primary plane", planes, (has) => has.get("type")?.value === 1n);
    this.#connector = one("connector", connectors, (has) => !has.has("WRITEBACK_FB_ID"));
    this.#writeback = one("writeback", connectors, (has) => has.has("WRITEBACK_FB_ID"));
  }

  #objects(): Record<"crtcs" | "connectors" | "planes", Part[]> {
    const resources = mode.drm_mode_card_res.alloc();
    const planes = mode.drm_mode_get_plane_res.alloc();
    const get = () => {
      ioctl(this.#device, drm.DRM_IOCTL_MODE_GETRESOURCES, resources.bytes);
      ioctl(this.#device, drm.DRM_IOCTL_MODE_GETPLANERESOURCES, planes.bytes);
    };
    // First how many there are.
    get();
    resources.count_fbs = resources.count_encoders = 0;
    const crtcIds = new Uint32Array(resources.count_crtcs);
    const connectorIds = new Uint32Array(resources.count_connectors);
    const planeIds = new Uint32Array(planes.count_planes);
    resources.crtc_id_ptr = addressOfArray(crtcIds);
    resources.connector_id_ptr = addressOfArray(connectorIds);
    planes.plane_id_ptr = addressOfArray(planeIds);
    get();
    const parts = (ids: Uint32Array) =>
      Array.from(ids, (id) => ({ id, properties: this.#properties(id) }));
    return { crtcs: parts(crtcIds), connectors: parts(connectorIds), planes: parts(planeIds) };
  }

  #properties(object: number): Properties {
    const list = mode.drm_mode_obj_get_properties.alloc({ obj_id: object });
    const get = () => ioctl(this.#device, drm.DRM_IOCTL_MODE_OBJ_GETPROPERTIES, list.bytes);
    get();
    const ids = new Uint32Array(list.count_props);
    const values = new BigUint64Array(list.count_props);
    list.props_ptr = addressOfArray(ids);
    list.prop_values_ptr = addressOfArray(values);
    get();
    return new Map(Array.from(ids, (id, i) => {
      const property = mode.drm_mode_get_property.alloc({ prop_id: id });
      ioctl(this.#device, drm.DRM_IOCTL_MODE_GETPROPERTY, property.bytes);
      return [property.name, { id, value: values[i] }];
    }));
  }

  /** The id of a framebuffer, which is there until the device is closed. */
  #framebuffer({ fd, width, height, format, planes }: Framebuffer): number {
    const handle = importHandle(this.#device, fd);
    const framebuffer = mode.drm_mode_fb_cmd2.alloc({
      width,
      height,
      pixel_format: fourcc(format),
      handles: planes.map(() => handle),
      pitches: planes.map(({ bytesperline }) => bytesperline),
      offsets: planes.map(({ offset }) => offset),
    });
    ioctl(this.#device, drm.DRM_IOCTL_MODE_ADDFB2, framebuffer.bytes);
    return framebuffer.fb_id;
  }

  /** A mode of this size, sixty times a second: the id of its blob. */
  #mode(width: number, height: number): number {
    const [htotal, vtotal] = [width + 48, height + 12];
    const { bytes } = mode.drm_mode_modeinfo.alloc({
      clock: Math.ceil(htotal * vtotal * 60 / 1000),
      hdisplay: width,
      hsync_start: width + 16,
      hsync_end: width + 32,
      htotal,
      vdisplay: height,
      vsync_start: height + 4,
      vsync_end: height + 8,
      vtotal,
    });
    const blob = mode.drm_mode_create_blob.alloc({ data: addressOf(bytes), length: bytes.length });
    ioctl(this.#device, drm.DRM_IOCTL_MODE_CREATEPROPBLOB, blob.bytes);
    return blob.blob_id;
  }

  #commit(changes: readonly (readonly [Part, Readonly<Record<string, number | bigint>>])[]): void {
    const objects = Uint32Array.from(changes, ([{ id }]) => id);
    const counts = Uint32Array.from(changes, ([, values]) => Object.keys(values).length);
    const all = changes.flatMap(([{ properties }, values]) =>
      Object.entries(values).map(([name, value]) => {
        const property = properties.get(name);
        expect(property !== undefined, `${this.path} has no property ${name}`);
        return [property.id, BigInt(value)] as const;
      })
    );
    const ids = Uint32Array.from(all, ([id]) => id);
    const values = BigUint64Array.from(all, ([, value]) => value);
    const atomic = mode.drm_mode_atomic.alloc({
      flags: mode.DRM_MODE_ATOMIC_ALLOW_MODESET,
      count_objs: objects.length,
      objs_ptr: addressOfArray(objects),
      count_props_ptr: addressOfArray(counts),
      props_ptr: addressOfArray(ids),
      prop_values_ptr: addressOfArray(values),
    });
    ioctl(this.#device, drm.DRM_IOCTL_MODE_ATOMIC, atomic.bytes);
  }

  /**
   * Shows a picture of BT.601 and limited range, on all of a screen of its size.
   *
   * @returns what was scanned out, four bytes a pixel: B, G, R, none
   */
  show(picture: Framebuffer): Dmabuf {
    const { width, height } = picture;
    const bytesperline = 4 * width;
    const size = bytesperline * height;
    const file = dumbBufferFile(this.path, size);
    const back = {
      fd: file.fd,
      width,
      height,
      format: "XR24",
      planes: [{ offset: 0, bytesperline }],
    };
    const fence = new Int32Array([-1]);
    this.#commit([
      [this.#crtc, { ACTIVE: 1, MODE_ID: this.#mode(width, height) }],
      [this.#connector, { CRTC_ID: this.#crtc.id }],
      [this.#writeback, {
        CRTC_ID: this.#crtc.id,
        WRITEBACK_FB_ID: this.#framebuffer(back),
        WRITEBACK_OUT_FENCE_PTR: addressOf(new Uint8Array(fence.buffer)),
      }],
      [this.#plane, {
        FB_ID: this.#framebuffer(picture),
        CRTC_ID: this.#crtc.id,
        // Of 16.16 bits.
        SRC_W: width << 16,
        SRC_H: height << 16,
        CRTC_W: width,
        CRTC_H: height,
        // DRM_COLOR_YCBCR_BT601, DRM_COLOR_YCBCR_LIMITED_RANGE
        COLOR_ENCODING: 0,
        COLOR_RANGE: 0,
      }],
    ]);
    using done = new File(this.path, fence[0]);
    const events = new Poller(done, POLLIN).wait(WAIT_MS);
    const shown = new Dmabuf(file, size);
    if (events === 0) shown.close();
    expect(events !== 0, `${this.path} wrote nothing back within ${WAIT_MS} ms`);
    return shown;
  }

  [Symbol.dispose](): void {
    this.#device.close();
  }
}
