// Loaded before Portkey's gateway. On Node its 1.15 adds diagnostic headers to those that fetch returned, which are
// read-only there, and fails every streamed answer with "TypeError: immutable". Here such an addition is left out.

for (const name of ["append", "set", "delete"]) {
  const original = Headers.prototype[name];
  Headers.prototype[name] = function (...args) {
    try {
      return original.apply(this, args);
    } catch (error) {
      if (error.message !== "immutable") throw error;
    }
  };
}
