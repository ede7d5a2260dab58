// The sync core by hand: what a page does with it, in forty lines.

export class Core {
  #wasm;

  constructor(instance) {
    this.#wasm = instance.exports;
  }

  static async load(bytes) {
    const { instance } = await WebAssembly.instantiate(bytes, {});
    return new Core(instance);
  }

  #put(...parts) {
    const length = parts.reduce((sum, part) => sum + part.length, 0);
    let at = this.#wasm.input(length);
    const memory = new Uint8Array(this.#wasm.memory.buffer);
    for (const part of parts) {
      memory.set(part, at);
      at += part.length;
    }
  }

  #judge(what, refusal) {
    if (refusal !== 0) throw Error(`${what} refused: ${refusal}`);
  }

  start(root, bootstrap) {
    this.#put(root, bootstrap);
    this.#judge("bootstrap", this.#wasm.start());
  }

  apply(batch, slot) {
    this.#put(crypto.getRandomValues(new Uint8Array(32)), batch);
    this.#judge("updates", this.#wasm.apply(BigInt(slot)));
  }

  /** Slot and execution block number of the finalized header. */
  finalized() {
    const view = new DataView(this.#wasm.memory.buffer, this.#wasm.output(), 256);
    return { slot: Number(view.getBigUint64(0, true)), block: Number(view.getBigUint64(40, true)) };
  }
}

/** One update as a batch. */
export function batchOf(update) {
  const batch = new Uint8Array(7 + update.length);
  const view = new DataView(batch.buffer);
  view.setUint8(0, 1);
  view.setUint16(1, 1, true);
  view.setUint32(3, update.length, true);
  batch.set(update, 7);
  return batch;
}
