/** The version that every tool prints. */
export const VERSION = "0.2.0";
