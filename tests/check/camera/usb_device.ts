/**
 * A USB device that is a program: the kernel's vhci-hcd speaks to it by USB/IP, through a socket.
 *
 * From Documentation/usb/usbip_protocol.rst: 48 bytes of header, big-endian, and what goes with them.
 *
 * @module
 */
import { errno, SysError } from "../../../lib/sys/errno.ts";
import { File } from "../../../lib/sys/file.ts";

const { symbols: libc } = Deno.dlopen("libc.so.6", {
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
});

const AF_UNIX = 1;
const SOCK_STREAM = 1;
const SUN_PATH = 2;
const SUN_BYTES = 110;

const HEADER = 48;
const CMD_SUBMIT = 1;
const CMD_UNLINK = 2;
const RET_SUBMIT = 3;
const RET_UNLINK = 4;
const DIRECTION_IN = 1;

/** enum usb_device_speed */
const USB_SPEED_HIGH = 3;
/** A bus and a device on it, of which nobody asks. */
const DEVID = 0x10002;
const VHCI = "/sys/devices/platform/vhci_hcd.0";

/** An endpoint stalls. */
export const EPIPE = 32;
const ECONNRESET = 104;

/** A transfer that the host has begun. */
export interface Transfer {
  readonly sequence: number;
  readonly endpoint: number;
  /** Of a control transfer, as usb_ctrlrequest has it. */
  readonly setup: DataView<ArrayBuffer>;
  /** In bytes: how many the host takes at most. */
  readonly length: number;
  readonly direction: number;
}

type Bytes = Uint8Array<ArrayBuffer>;

/** A device at a port of vhci-hcd; it is unplugged when this goes out of scope. */
export class UsbDevice implements AsyncDisposable {
  readonly #connection: Deno.UnixConn;
  readonly #waiting = new Map<number, Transfer>();
  readonly #begun: (transfer: Transfer) => void;
  readonly #over: Promise<void>;
  #writing = Promise.resolve();

  private constructor(connection: Deno.UnixConn, begun: (transfer: Transfer) => void) {
    this.#connection = connection;
    this.#begun = begun;
    this.#over = this.#serve();
  }

  /**
   * Plugs a device in, whose transfers are `begun` with.
   *
   * @param socket path of a socket, which is made
   */
  static async plugIn(socket: string, begun: (transfer: Transfer) => void): Promise<UsbDevice> {
    using listener = Deno.listen({ transport: "unix", path: socket });
    const fd = libc.socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0) throw new SysError(socket, "socket", errno[0]);
    // vhci-hcd has it from then on.
    using _theirs = new File(socket, fd);
    const address = new Uint8Array(SUN_BYTES);
    address[0] = AF_UNIX;
    address.set(new TextEncoder().encode(socket), SUN_PATH);
    if (libc.connect(fd, address, SUN_BYTES) < 0) throw new SysError(socket, "connect", errno[0]);
    const device = new UsbDevice(await listener.accept() as Deno.UnixConn, begun);
    Deno.removeSync(socket);
    Deno.writeTextFileSync(`${VHCI}/attach`, `0 ${fd} ${DEVID} ${USB_SPEED_HIGH}`);
    return device;
  }

  async #read(size: number): Promise<Bytes | undefined> {
    const bytes = new Uint8Array(size);
    for (let at = 0; at < size;) {
      const read = await this.#connection.read(bytes.subarray(at));
      if (read === null) return undefined;
      at += read;
    }
    return bytes;
  }

  async #serve(): Promise<void> {
    try {
      let header: Bytes | undefined;
      while ((header = await this.#read(HEADER)) !== undefined) await this.#take(header);
    } catch (error) {
      if (!(error instanceof Deno.errors.BadResource || error instanceof Deno.errors.Interrupted)) {
        throw error;
      }
    }
  }

  async #take(header: Bytes): Promise<void> {
    const view = new DataView(header.buffer);
    const [command, sequence, , direction, endpoint] = [0, 4, 8, 12, 16].map((at) =>
      view.getUint32(at)
    );
    if (command === CMD_UNLINK) {
      const unlinked = view.getUint32(20);
      const status = this.#waiting.delete(unlinked) ? -ECONNRESET : 0;
      this.#answer(RET_UNLINK, sequence, (answer) => answer.setInt32(20, status));
      return;
    }
    if (command !== CMD_SUBMIT) throw new Error(`USB/IP: command ${command}`);
    const length = view.getInt32(24);
    // What the host sends says nothing to a device without a choice.
    if (direction !== DIRECTION_IN && await this.#read(length) === undefined) return;
    const setup = new DataView(header.buffer, 40, 8);
    const transfer = { sequence, endpoint, setup, length, direction };
    this.#waiting.set(sequence, transfer);
    this.#begun(transfer);
  }

  #answer(command: number, sequence: number, fill: (answer: DataView) => void, data?: Bytes): void {
    const bytes = new Uint8Array(HEADER + (data?.length ?? 0));
    const view = new DataView(bytes.buffer);
    view.setUint32(0, command);
    view.setUint32(4, sequence);
    fill(view);
    if (data) bytes.set(data, HEADER);
    this.#writing = this.#writing.then(async () => {
      for (let at = 0; at < bytes.length;) {
        at += await this.#connection.write(bytes.subarray(at));
      }
    }).catch(() => {});
  }

  /**
   * Ends a transfer well; `data` is what the host gets.
   *
   * @returns false where the host has taken it back
   */
  complete(transfer: Transfer, data: Bytes = new Uint8Array()): boolean {
    if (!this.#waiting.delete(transfer.sequence)) return false;
    const sent = transfer.direction === DIRECTION_IN ? data : undefined;
    const length = sent?.length ?? transfer.length;
    this.#answer(RET_SUBMIT, transfer.sequence, (answer) => answer.setInt32(24, length), sent);
    return true;
  }

  /** Ends a transfer with an errno. */
  fail(transfer: Transfer, errno: number): void {
    if (!this.#waiting.delete(transfer.sequence)) return;
    this.#answer(RET_SUBMIT, transfer.sequence, (answer) => answer.setInt32(20, -errno));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#connection.close();
    await this.#over;
  }
}
