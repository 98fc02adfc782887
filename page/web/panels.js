// What is seen of the machine where it stands. Elements are made once and then only
// changed, so that focus and selection stay where they are.
"use strict";

(() => {
  const REGISTERS = ["eip", "esp", "ebp", "eax", "ebx", "ecx", "edx", "esi", "edi"];

  const make = (tag, className = "", text = "") => {
    const element = document.createElement(tag);
    element.className = className;
    element.textContent = text;
    return element;
  };
  const put = (element, text) => {
    if (element.textContent !== text) element.textContent = text;
  };
  const short = (id) => id.replace(/^0{1,7}/, "");

  /** An environment's id, in its colour. */
  const chip = (id) => {
    const element = make("span", "chip");
    paint(element, id);
    return element;
  };
  const paint = (element, id) => {
    put(element, id ? short(id) : "none");
    element.style.setProperty("--env", id ? Jostle.colour(parseInt(id, 16)) : "var(--line)");
  };

  class Card {
    constructor(number, choose) {
      this.root = make("article", "panel card");
      const head = make("div", "row head");
      this.title = make("h2", "", `CPU ${number}`);
      this.env = chip("");
      this.mode = make("p");
      this.move = make("button", "small", "move 1");
      this.move.title = "By hand: this CPU moves next, by one instruction";
      this.go = make("button", "small", "to kernel");
      this.go.title = "By hand: this CPU goes on until it enters the kernel";
      for (const [button, length] of [[this.move, 1], [this.go, 10000]]) {
        button.type = "button";
        button.addEventListener("click", () => choose(number, length));
      }
      const hand = make("span", "group");
      hand.append(this.move, this.go);
      head.append(this.title, this.env, hand);
      this.mode.className = "mode";
      this.registers = make("dl", "registers");
      this.values = Object.fromEntries([...REGISTERS, "flags"].map((name) => {
        const value = make("dd");
        this.registers.append(make("dt", "", name), value);
        return [name, value];
      }));
      this.code = make("ol", "code");
      this.extra = make("p", "quiet");
      this.root.append(head, this.mode, this.registers, this.code, this.extra);
    }

    show(cpu, isLatest) {
      this.root.classList.toggle("latest", isLatest);
      this.root.classList.toggle("kernel", cpu.kernel);
      paint(this.env, cpu.env);
      put(this.mode, cpu.mode);
      this.move.disabled = this.go.disabled = !cpu.moves;
      this.registers.hidden = this.code.hidden = !cpu.registers;
      for (const [name, element] of Object.entries(this.values)) {
        const value = cpu.registers?.[name] ?? "";
        const changed = element.textContent !== "" && element.textContent !== (value || "none");
        element.classList.toggle("changed", changed);
        put(element, value || (cpu.registers ? "none" : ""));
      }
      const lines = (cpu.code ?? []).map(({ at, text }) => {
        const line = make("li", at === cpu.registers.eip ? "next" : "");
        line.append(make("span", "quiet", short(at)), make("span", "", text));
        return line;
      });
      this.code.replaceChildren(...lines);
      const remembers = cpu.remembers === 1 ? "1 translation remembered" : `${cpu.remembers} translations remembered`;
      this.extra.hidden = !cpu.registers;
      put(this.extra, cpu.store ? `${remembers}; in the store buffer: ${cpu.store}` : remembers);
    }
  }

  Jostle.Panels = class {
    constructor(choose) {
      this.choose = choose;
      this.cards = [];
      this.rows = new Map();
      this.selected = "";
      const $ = (id) => document.getElementById(id);
      this.at = Object.fromEntries(["console", "step", "cpu-cards", "envs", "whose", "walked", "mapped", "walk", "va", "status"].map((id) => [id, $(id)]));
      this.past = make("span");
      this.future = make("span", "future");
      this.at.console.replaceChildren(this.past, this.future);
      this.at.walk.addEventListener("submit", (event) => {
        event.preventDefault();
        this.memory();
      });
    }

    clear(cpus) {
      this.cards = Array.from({ length: cpus }, (_, number) => new Card(number, this.choose));
      this.at["cpu-cards"].replaceChildren(...this.cards.map((card) => card.root));
      this.rows.clear();
      this.at.envs.tBodies[0].replaceChildren();
      this.selected = "";
      this.text = "";
    }

    /** Shows a state; `isStill` if nobody is in a hurry. */
    show(machine, state, isStill) {
      [this.machine, this.state] = [machine, state];
      this.console(machine, state);
      state.cpus.forEach((cpu, number) => this.cards[number].show(cpu, number === state.latest && state.position > 0));
      this.environments(state.envs);
      this.step(state.step);
      if (isStill) this.memory();
      const latest = state.cpus[state.latest];
      const env = latest.env ? `[${short(latest.env)}]` : "no environment";
      put(this.at.status, state.position === 0
        ? "Nothing has moved yet."
        : `CPU ${state.latest} moved last, with ${env}: ${latest.mode}. ${Jostle.grouped(state.executed)} instructions, ${(state.now / 1e6).toFixed(3)} ms.`);
    }

    console(machine, state) {
      const bytes = machine.bytes("console", 0);
      const utf8 = new TextDecoder();
      const past = utf8.decode(bytes.subarray(0, state.printed));
      const atEnd = this.at.console.scrollHeight - this.at.console.scrollTop - this.at.console.clientHeight < 40;
      if (this.past.textContent !== past) {
        put(this.past, past);
        if (atEnd || state.position === state.end) this.at.console.scrollTop = this.past.offsetHeight;
      }
      put(this.future, utf8.decode(bytes.subarray(state.printed)));
    }

    environments(envs) {
      const present = new Set(envs.map((env) => env.id));
      for (const [id, row] of this.rows) {
        if (!present.has(id)) {
          row.remove();
          this.rows.delete(id);
        }
      }
      if (!present.has(this.selected)) this.selected = envs[0]?.id ?? "";
      envs.forEach((env, index) => {
        let row = this.rows.get(env.id);
        if (!row) {
          row = this.row(env);
          this.rows.set(env.id, row);
        }
        const body = this.at.envs.tBodies[0];
        if (body.children[index] !== row) body.insertBefore(row, body.children[index] ?? null);
        const to = env.to ? ` to ${short(env.to)}` : "";
        const cells = [null, parseInt(env.parent, 16) ? short(env.parent) : "–", env.status + to, env.cpu ?? "", env.runs, env.pages];
        cells.forEach((text, cell) => { if (text !== null) put(row.cells[cell], String(text)); });
        row.classList.toggle("selected", env.id === this.selected);
      });
    }

    row(env) {
      const row = make("tr");
      const button = make("button", "plain");
      button.type = "button";
      button.title = "Show its memory";
      button.append(chip(env.id));
      button.addEventListener("click", () => {
        this.selected = env.id;
        this.environments(this.state.envs);
        this.memory();
      });
      const first = make("td");
      first.append(button);
      row.append(first, make("td"), make("td"), make("td"), make("td", "number"), make("td", "number"));
      return row;
    }

    step(step) {
      if (!step) {
        this.at.step.replaceChildren(make("p", "quiet", "The kernel has not been entered yet."));
        return;
      }
      const head = make("p");
      head.append(make("strong", "", step.cause), ` of `, chip(step.env), ` on CPU ${step.cpu}, at ${Jostle.grouped(step.place)}`);
      if (parseInt(step.env, 16) === 0) head.replaceChildren(make("strong", "", step.cause), ` on CPU ${step.cpu}, at ${Jostle.grouped(step.place)}`);
      const list = make("ul", "records");
      const shown = step.records.slice(0, 200);
      list.append(...shown.map(({ kind, text }) => {
        const item = make("li");
        item.append(make("span", `kind ${kind}`, kind), make("span", "", text));
        return item;
      }));
      if (shown.length < step.records.length) list.append(make("li", "quiet", `and ${step.records.length - shown.length} more`));
      this.at.step.replaceChildren(head, list);
    }

    memory() {
      if (!this.machine) return;
      this.at.whose.replaceChildren(this.selected ? chip(this.selected) : "nobody");
      const text = this.at.va.value.trim().replace(/^0x/i, "");
      if (!/^[0-9a-f]{1,8}$/i.test(text)) {
        this.at.walked.replaceChildren(make("p", "error", `“${text}” is no address: up to eight hexadecimal digits.`));
        return;
      }
      const env = parseInt(this.selected || "0", 16);
      const walk = this.machine.json("walk", env, parseInt(text, 16));
      const rows = walk.walk.map((level) => [`${level.level}[${level.index}]`, `at ${level.at}`, level.entry, level.bits || "not present"]);
      const table = make("table", "walk");
      for (const cells of rows) {
        const row = make("tr");
        row.append(...cells.map((cell) => make("td", "", cell)));
        table.append(row);
      }
      const lines = [];
      if (walk.pa) {
        const references = walk.references === undefined ? "" : `, ${walk.references} ${walk.references === 1 ? "reference" : "references"} to the frame`;
        lines.push(make("p", "", `physical ${walk.pa}${references}`));
        const dump = make("pre", "dump");
        dump.textContent = walk.bytes.match(/.{1,47}(?: |$)/g).map((part, line) => `${Jostle.hex((parseInt(walk.va, 16) & ~15) + line * 16)}  ${part.trim()}`).join("\n");
        lines.push(dump);
      } else {
        lines.push(make("p", "quiet", "leads nowhere: an access is a page fault"));
      }
      for (const { cpu, frame, writeable, same } of walk.remembered) {
        if (same) lines.push(make("p", "quiet", `CPU ${cpu} remembers frame ${frame}, ${writeable ? "writeable" : "read-only"}`));
      }
      this.at.walked.replaceChildren(table, ...lines);
      const mapped = make("table");
      for (const { from, to, pages, bits } of this.machine.json("mappings", env).stretches) {
        const row = make("tr");
        row.append(make("td", "", `${from}–${to}`), make("td", "number", String(pages)), make("td", "", bits || "read-only"));
        mapped.append(row);
      }
      this.at.mapped.replaceChildren(mapped);
    }
  };
})();
