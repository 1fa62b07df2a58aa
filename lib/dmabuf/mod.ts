/**
 * dma-bufs that the CPU reads and writes, and where they come from.
 *
 * @module
 */
export * from "./dma_buf.ts";
export * from "./dma_heap.ts";
