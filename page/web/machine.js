// The simulated machine, as the page calls it: one WebAssembly instance for each run,
// so that a new run gives the old one's memory back.
"use strict";

(() => {
  const utf8 = new TextDecoder();
  let compiled = null;

  /** What the machine cannot do, and says so in words. */
  class Refusal extends Error {}
  Jostle.Refusal = Refusal;

  Jostle.Machine = class {
    /** Boots a program's file; `request` is an object of words. */
    static async boot(request, program, archive = new Uint8Array()) {
      compiled ??= await WebAssembly.compile(Jostle.bytesOf(window.JOSTLE_WASM));
      const machine = new this();
      machine.own = (await WebAssembly.instantiate(compiled)).exports;
      const lines = Object.entries(request).map(([name, value]) => `${name}=${value}\n`.replace(/\n(?=.)/g, " "));
      const text = new TextEncoder().encode(lines.join(""));
      machine.send(text, program, archive);
      const why = machine.text("boot", text.length, program.length);
      if (why) throw new Refusal(why);
      return machine;
    }

    send(...parts) {
      const length = parts.reduce((sum, part) => sum + part.length, 0);
      let place = this.own.input(length);
      const memory = new Uint8Array(this.own.memory.buffer);
      for (const part of parts) {
        memory.set(part, place);
        place += part.length;
      }
    }

    /** Calls, and turns a trap into an error that says where the bug is. */
    call(name, ...words) {
      try {
        return this.own[name](...words);
      } catch (error) {
        const length = 400;
        const said = utf8.decode(new Uint8Array(this.own.memory.buffer, this.own.answer(), length));
        throw new Error(`the simulated machine has a bug: ${error.message}; ${said.split("\0")[0]}`);
      }
    }

    bytes(name, ...words) {
      const length = this.call(name, ...words);
      return new Uint8Array(this.own.memory.buffer, this.own.answer(), length).slice();
    }

    text(name, ...words) {
      return utf8.decode(this.bytes(name, ...words));
    }

    json(name, ...words) {
      return JSON.parse(this.text(name, ...words));
    }

    words(name, ...words) {
      return new Uint32Array(this.bytes(name, ...words).buffer);
    }

    goTo(position) { return this.call("go_to", position); }
    run(most) { return this.call("run", most); }
    step(unit, back) { return this.call("step", unit, back) !== 0; }
    choose(cpu, length) { return this.call("choose", cpu, length) !== 0; }
    type(text) { this.send(new TextEncoder().encode(text)); this.call("type_in"); }
    repeat(hand) { this.send(new TextEncoder().encode(hand)); return this.text("repeat"); }
    state() { return this.json("state"); }
    digest() { return this.text("digest"); }
  };

  /** What is missing, in words; nothing, if the page can work. */
  Jostle.missing = () => {
    if (typeof WebAssembly !== "object" || typeof BigInt !== "function") {
      return "This browser has no WebAssembly, which the simulated machine is made of. Any browser since 2018 has it; some turn it off.";
    }
    if (!window.JOSTLE_WASM || !window.JOSTLE_PROGRAMS) {
      return "The machine (wasm.js) or its programs (programs.js) are not beside this page. ./jostle web --out DIR writes them all.";
    }
    return "";
  };

  /** Our programs, as they were delivered. */
  Jostle.Programs = class {
    constructor({ list, archive, prompt }) {
      this.files = new Map(list.map(([name, what, offset, size]) => [name, { what, offset, size }]));
      this.archive = Jostle.bytesOf(archive);
      this.prompt = prompt;
    }

    /** A program's file, and an archive for it. */
    of(name) {
      if (name === "prompt") return [Jostle.bytesOf(this.prompt), this.archive];
      const file = this.files.get(name);
      if (!file) throw new Refusal(`There is no program “${name}” here.`);
      return [this.archive.subarray(file.offset, file.offset + file.size)];
    }
  };
})();
