/**
 * The requests of linux/media.h.
 *
 * @module
 */
import { _IO, _IOR, type Ioctl } from "./ioctl_number.ts";

const m = (name: string, request: number): Ioctl => ({ name, request });

export const MEDIA_IOC_REQUEST_ALLOC: Ioctl = m("MEDIA_IOC_REQUEST_ALLOC", _IOR("|", 0x05, 4));
export const MEDIA_REQUEST_IOC_QUEUE: Ioctl = m("MEDIA_REQUEST_IOC_QUEUE", _IO("|", 0x80));
export const MEDIA_REQUEST_IOC_REINIT: Ioctl = m("MEDIA_REQUEST_IOC_REINIT", _IO("|", 0x81));
