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

/** A batch with one more update at its end; `empty` starts one. */
export function append(batch, update) {
  const longer = new Uint8Array(batch.length + 4 + update.length);
  longer.set(batch);
  longer.set(update, batch.length + 4);
  const view = new DataView(longer.buffer);
  view.setUint16(1, view.getUint16(1, true) + 1, true);
  view.setUint32(batch.length, update.length, true);
  return longer;
}

/** Version 1, no updates. */
export const empty = Uint8Array.of(1, 0, 0);
