/** The version that every tool prints. */
export const VERSION = "0.1.0";
