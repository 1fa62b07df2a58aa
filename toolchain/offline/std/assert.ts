/** Stand-in for jsr:@std/assert, on node:assert. */
import nodeAssert from "node:assert/strict";

export function assert(expression: unknown, message = ""): asserts expression {
  nodeAssert.ok(expression, message);
}

export function assertEquals<T>(actual: T, expected: T, message?: string): void {
  nodeAssert.deepEqual(actual, expected, message);
}

// deno-lint-ignore no-explicit-any
type ErrorClass<E extends Error> = new (...args: any[]) => E;

function checkError<E extends Error>(
  error: unknown,
  errorClass: ErrorClass<E>,
  messageIncludes: string,
): E {
  nodeAssert.ok(error instanceof errorClass, `expected ${errorClass.name}, got ${error}`);
  nodeAssert.ok(
    error.message.includes(messageIncludes),
    `expected a message with "${messageIncludes}", got "${error.message}"`,
  );
  return error;
}

export function assertThrows<E extends Error = Error>(
  fn: () => unknown,
  errorClass: ErrorClass<E>,
  messageIncludes = "",
): E {
  try {
    fn();
  } catch (error) {
    return checkError(error, errorClass, messageIncludes);
  }
  return nodeAssert.fail(`expected ${errorClass.name}, nothing was thrown`);
}
