// What the tests use of Node.js, which the extension itself never sees.
declare module 'node:test' {
  export default function test(name: string, act: () => void): void;
}
declare module 'node:assert/strict' {
  const assert: {
    equal: (actual: unknown, expected: unknown) => void;
    deepEqual: (actual: unknown, expected: unknown) => void;
    ok: (value: unknown) => void;
  };
  export default assert;
}
