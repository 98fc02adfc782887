// The timeline: CPUs as rows, environments as colours, what happened as marks.
//
// The hard thing is a run of a million marks: those of a kind that fall on one pixel
// are drawn once, and what comes after the pixel, or is outside, is found by bisection.
//
// A live machine and a trace are drawn alike: both give marks and tenures as words.
"use strict";

(() => {
  const ROW = 30;
  const { BAR, GUTTER } = Jostle.strokes;
  const TOP = 20;
  /** Positions of a stretch in which it is shown who moved. */
  const CLOSE = 3000;

  // By the numbers that the machine gives.
  const KIND = { entered: 1, message: 8, born: 11, died: 12, flush: 13, stop: 14 };
  const CAUSE = ["boot", "call", "exception", "page fault", "timer", "wake", "console"];
  /** Mark: what it means, colour, how it is drawn. */
  const MARKS = {
    call: ["system call", "--mark-call", "tick"],
    timer: ["timer", "--mark-timer", "tick"],
    other: ["wake or console", "--mark-timer", "tick"],
    fault: ["fault", "--mark-fault", "high"],
    born: ["new environment", "--mark-born", "up"],
    died: ["end", "--mark-died", "cross"],
    message: ["message", "--mark-message", "diamond"],
    remote: ["asks another CPU", "--mark-remote", "ring"],
  };

  const markOf = (kind, cause) => {
    switch (kind) {
      case KIND.message: return "message";
      case KIND.born: return "born";
      case KIND.died: return "died";
      case KIND.flush: case KIND.stop: return "remote";
    }
    return { call: "call", exception: "fault", "page fault": "fault", timer: "timer" }[CAUSE[cause]] ?? "other";
  };

  const ARROWS = ["--mark-message", "--mark-born"];
  /** Arrows that may be drawn in full. */
  const MANY = 400;

  /** How many of an ascending list are below a value, of which so many surely are. */
  const below = (list, value, surely = 0) => {
    let [from, to] = [surely, list.length];
    while (from < to) {
      const middle = (from + to) >> 1;
      if (list[middle] < value) from = middle + 1; else to = middle;
    }
    return from;
  };

  Jostle.Timeline = class {
    constructor(canvas, tip, goTo) {
      Object.assign(this, { canvas, tip, goTo, cpus: 0, pinned: true, from: 0, to: 1, at: 0, end: 0 });
      /** How positions are written; who is drawn pale; whether what is ahead is yet to come. */
      Object.assign(this, { label: Jostle.grouped, pale: new Set(), isLive: true });
      this.clear(0);
      this.listen();
      new ResizeObserver(() => this.resize()).observe(canvas.parentElement);
      matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => this.draw());
    }

    legend(element) {
      element.replaceChildren(...Object.values(MARKS).map(([name, colour]) => {
        const item = document.createElement("span");
        item.textContent = name;
        item.style.setProperty("--mark", `var(${colour})`);
        return item;
      }));
    }

    /** Forgets everything, for a machine of so many CPUs. */
    clear(cpus) {
      this.cpus = cpus;
      this.records = 0;
      this.tenureCount = 0;
      this.rows = Array.from({ length: cpus }, () => ({ since: [], env: [], marks: {} }));
      for (const row of this.rows) {
        for (const name in MARKS) row.marks[name] = { at: [], record: [] };
      }
      this.moves = null;
      this.arrows = null;
      this.resize();
    }

    /** Takes what is new from the machine. */
    take(machine) {
      const marks = machine.words("marks", this.records);
      for (let i = 0; i < marks.length; i += 5) {
        const tags = marks[i + 2];
        const list = this.rows[tags & 255]?.marks[markOf((tags >> 8) & 255, (tags >> 16) & 255)];
        list?.at.push(Jostle.position(marks, i));
        list?.record.push(marks[i + 4]);
      }
      this.records = machine.call("records");
      const tenures = machine.words("tenures", this.tenureCount);
      for (let i = 0; i < tenures.length; i += 4) {
        const row = this.rows[tenures[i + 2]];
        row.since.push(Jostle.position(tenures, i));
        row.env.push(tenures[i + 3]);
      }
      this.tenureCount += tenures.length / 4;
    }

    show(at, end, machine, isStill) {
      this.at = at;
      if (end !== this.end) this.moves = null;
      this.end = end;
      if (this.pinned) [this.from, this.to] = [0, Math.max(end, 1)];
      else if (at < this.from || at > this.to) this.look(at - (this.to - this.from) / 2, this.to - this.from);
      this.machine = isStill ? machine : null;
      this.draw();
    }

    /** Shows a stretch. */
    look(from, length) {
      const whole = Math.max(this.end, 1);
      length = this.possible(length);
      this.from = Math.min(Math.max(from, 0), whole - length);
      this.to = this.from + length;
      this.pinned = length >= whole;
    }

    /** The length nearest to this one that can be shown. */
    possible(length) {
      return Math.min(Math.max(length, 20), Math.max(this.end, 1));
    }

    zoom(factor, around = this.at) {
      const share = (around - this.from) / (this.to - this.from);
      this.scale(factor, around, share >= 0 && share <= 1 ? share : 0.5);
    }

    /** Zooms, and brings a position to where so large a share of the row is left of it. */
    scale(factor, position, share) {
      const length = this.possible((this.to - this.from) * factor);
      this.look(position - length * share, length);
      this.draw();
    }

    fit() {
      this.pinned = true;
      this.look(0, this.end);
      this.draw();
    }

    resize() {
      const ratio = devicePixelRatio || 1;
      this.width = this.canvas.parentElement.clientWidth;
      this.height = TOP + Math.max(this.cpus, 1) * ROW + 4;
      this.canvas.width = this.width * ratio;
      this.canvas.height = this.height * ratio;
      this.canvas.style.height = `${this.height}px`;
      this.draw();
    }

    x(position) {
      return GUTTER + ((position - this.from) / (this.to - this.from)) * (this.width - GUTTER - 8);
    }

    /** Which share of a row is left of a place on the canvas. */
    share(x) {
      return (x - GUTTER) / (this.width - GUTTER - 8);
    }

    position(x) {
      return this.from + this.share(x) * (this.to - this.from);
    }

    draw() {
      if (this.queued) return;
      this.queued = true;
      requestAnimationFrame(() => {
        this.queued = false;
        this.paint();
      });
    }

    paint() {
      const style = getComputedStyle(this.canvas);
      const ink = (name) => style.getPropertyValue(name).trim();
      const g = this.canvas.getContext("2d");
      const ratio = devicePixelRatio || 1;
      g.setTransform(ratio, 0, 0, ratio, 0, 0);
      g.clearRect(0, 0, this.width, this.height);
      g.font = `11px ${style.fontFamily}`;
      this.axis(g, ink);
      g.textBaseline = "middle";
      this.rows.forEach((row, cpu) => {
        const y = TOP + cpu * ROW + 4;
        g.fillStyle = ink("--quiet");
        g.textAlign = "left";
        g.fillText(`CPU ${cpu}`, 0, y + BAR / 2);
        g.fillStyle = ink("--track");
        g.fillRect(GUTTER, y, this.width - GUTTER - 8, BAR);
        this.bars(g, row, y);
      });
      this.strips(g, ink);
      this.rows.forEach((row, cpu) => this.marks(g, ink, row, TOP + cpu * ROW + 4));
      if (this.arrows) this.drawArrows(g, ink);
      const x = this.x(this.at);
      if (x >= GUTTER - 1 && x <= this.width) {
        g.fillStyle = ink("--panel");
        g.globalAlpha = this.isLive ? 0.45 : 0;
        g.fillRect(x, TOP, Math.max(this.width - 8 - x, 0), this.height);
        g.globalAlpha = 1;
        g.fillStyle = ink("--accent");
        g.fillRect(x - 0.75, TOP - 4, 1.5, this.height);
        g.beginPath();
        g.moveTo(x - 5, TOP - 8);
        g.lineTo(x + 5, TOP - 8);
        g.lineTo(x, TOP - 1);
        g.fill();
      }
    }

    axis(g, ink) {
      g.fillStyle = ink("--quiet");
      g.strokeStyle = ink("--line");
      g.textBaseline = "top";
      const rough = ((this.to - this.from) / Math.max((this.width - GUTTER) / 110, 1));
      const power = 10 ** Math.floor(Math.log10(Math.max(rough, 1)));
      const step = Math.max([1, 2, 5, 10].find((factor) => factor * power >= rough) * power, 1);
      for (let at = Math.ceil(this.from / step) * step; at <= this.to; at += step) {
        const x = this.x(at);
        if (x > this.width - 40) break;
        g.beginPath();
        g.moveTo(x, TOP - 4);
        g.lineTo(x, this.height);
        g.stroke();
        g.textAlign = "center";
        g.fillText(this.label(at), x, 0);
      }
    }

    bars(g, row, y) {
      const last = this.width - 8;
      let i = Math.max(below(row.since, this.from) - 1, 0);
      while (i < row.since.length && row.since[i] <= this.to) {
        const left = Math.max(this.x(row.since[i]), GUTTER);
        const right = Math.min(this.x(row.since[i + 1] ?? this.end), last);
        if (row.env[i] !== 0) this.bar(g, row.env[i], left, Math.max(right - left, 1), y);
        // Of those that end on the same pixel the last one is next: it may go on beyond.
        const next = below(row.since, this.position(Math.floor(right) + 1), i + 1) - 1;
        i = Math.max(next, i + 1);
      }
    }

    bar(g, env, left, width, y) {
      if (env === Jostle.UNKNOWN) {
        Jostle.strokes.gap(g, left, y, width);
        return;
      }
      const pale = this.pale.has(env);
      g.fillStyle = Jostle.colour(env, pale ? 0.15 : 1);
      g.fillRect(left, y, width, BAR);
      if (width > 62 && !pale) {
        g.fillStyle = "#fff";
        g.textAlign = "left";
        g.fillText(Jostle.hex(env).replace(/^0+/, ""), left + 6, y + BAR / 2 + 0.5);
      }
    }

    /** Who moved, where one is close enough to see it. */
    strips(g, ink) {
      if (this.to - this.from > CLOSE || this.end === 0) return;
      const [from, to] = [Math.floor(this.from), Math.ceil(this.to)];
      if (!this.moves || this.moves.from > from || this.moves.to < to) {
        if (!this.machine) return;
        const margin = Math.ceil((to - from) / 2);
        const stretch = { from: Math.max(from - margin, 0), to: to + margin };
        this.moves = { ...stretch, words: this.machine.words("moves", stretch.from, stretch.to) };
      }
      g.fillStyle = ink("--ink");
      const words = this.moves.words;
      for (let i = 0; i < words.length; i += 4) {
        const start = Jostle.position(words, i);
        const [left, right] = [this.x(start), this.x(start + words[i + 2])];
        if (right < GUTTER || left > this.width - 8) continue;
        const y = TOP + words[i + 3] * ROW + 4;
        const clipped = Math.max(left, GUTTER);
        g.fillRect(clipped, y - 3, Math.max(Math.min(right, this.width - 8) - clipped - 0.5, 0.5), 2);
      }
    }

    marks(g, ink, row, y) {
      for (const [name, [, colour, shape]] of Object.entries(MARKS)) {
        const { at } = row.marks[name];
        g.fillStyle = g.strokeStyle = ink(colour);
        const apart = shape === "tick" || shape === "high" ? 1 : 4;
        let i = below(at, this.from);
        while (i < at.length && at[i] <= this.to) {
          const x = Math.round(this.x(at[i]));
          Jostle.strokes.mark(g, shape, x, y + BAR);
          i = below(at, this.position(x + apart - 0.5), i + 1);
        }
      }
    }

    /** Messages and forks, from CPU to CPU: one of those that would lie upon each other. */
    drawArrows(g, ink) {
      const { tail, head, tailCpu, headCpu, means } = this.arrows;
      const drawn = new Map();
      for (let i = 0; i < tail.length && tail[i] <= this.to; i++) {
        if (head[i] < this.from) continue;
        const [x1, x2] = [Math.round(this.x(tail[i])), Math.round(this.x(head[i]))];
        const key = (((x1 + 1e5) * 4e5 + x2 + 1e5) * 32 + tailCpu[i]) * 64 + headCpu[i] * 2 + means[i];
        if (!drawn.has(key)) drawn.set(key, [i, x1, x2]);
      }
      g.lineWidth = 1;
      // Very many must not hide who runs.
      g.globalAlpha = drawn.size > MANY ? 0.15 : 1;
      for (const [i, x1, x2] of drawn.values()) {
        g.strokeStyle = g.fillStyle = ink(ARROWS[means[i]]);
        Jostle.strokes.arrow(g, x1, TOP + tailCpu[i] * ROW + 4, x2, TOP + headCpu[i] * ROW + 4, this.width - 8);
      }
      g.globalAlpha = 1;
    }

    /** The record nearest to a place on the canvas, and its position. */
    nearest(x, y) {
      const row = this.rows[Math.floor((y - TOP) / ROW)];
      if (!row) return null;
      let best = null;
      for (const { at, record } of Object.values(row.marks)) {
        const around = below(at, this.position(x));
        for (const i of [around - 1, around]) {
          const distance = Math.abs(this.x(at[i]) - x);
          if (distance < (best?.distance ?? 7)) best = { distance, record: record[i], at: at[i] };
        }
      }
      return best;
    }

    listen() {
      const { canvas } = this;
      /** The fingers that are down, or the mouse: where each is. */
      const pointers = new Map();
      let moved = 0;
      const local = (event) => {
        const box = canvas.getBoundingClientRect();
        return [event.clientX - box.left, event.clientY - box.top];
      };
      canvas.addEventListener("pointerdown", (event) => {
        canvas.setPointerCapture(event.pointerId);
        pointers.set(event.pointerId, local(event));
        // What two fingers do is never a tap.
        moved = pointers.size > 1 ? Infinity : 0;
      });
      canvas.addEventListener("pointermove", (event) => {
        const [x, y] = local(event);
        if (!pointers.has(event.pointerId)) {
          this.hover(x, y);
          return;
        }
        const before = grip(pointers);
        pointers.set(event.pointerId, [x, y]);
        const after = grip(pointers);
        moved += Math.abs(after.middle - before.middle);
        if (moved > 4) this.scale(before.spread / after.spread, this.position(before.middle), this.share(after.middle));
      });
      const up = (event) => {
        if (pointers.delete(event.pointerId) && moved <= 4 && event.type === "pointerup") {
          const [x, y] = local(event);
          const mark = this.nearest(x, y);
          this.goTo(mark ? mark.at : Math.round(Math.min(Math.max(this.position(x), 0), this.end)));
        }
      };
      canvas.addEventListener("pointerup", up);
      canvas.addEventListener("pointercancel", up);
      canvas.addEventListener("pointerleave", () => { this.tip.hidden = true; });
      canvas.addEventListener("wheel", (event) => {
        event.preventDefault();
        const [x] = local(event);
        if (Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
          this.look(this.from + (event.deltaX / this.width) * (this.to - this.from), this.to - this.from);
          this.draw();
        } else {
          this.zoom(1.0015 ** event.deltaY, this.position(x));
        }
      }, { passive: false });
    }

    hover(x, y) {
      const cpu = Math.floor((y - TOP) / ROW);
      const row = this.rows[cpu];
      const at = Math.round(this.position(x));
      if (!row || !this.machine || at < 0 || at > this.end) {
        this.tip.hidden = true;
        return;
      }
      const env = row.env[below(row.since, at + 0.5) - 1];
      const who = env === Jostle.UNKNOWN ? "unknown: records are lost" : env ? `[${Jostle.hex(env)}]` : "no environment";
      const lines = [`${this.label(at)}  CPU ${cpu}  ${who}`];
      const mark = this.nearest(x, y);
      if (mark) {
        const step = this.machine.json("step_of", mark.record);
        lines[0] = `${this.label(mark.at)}  CPU ${cpu}  [${step.env}]  ${step.cause}`;
        const told = step.records.map(({ kind, text }) => `${kind.padEnd(9)}${text}`);
        lines.push(...told.slice(0, 8));
        if (told.length > 8) lines.push(`and ${told.length - 8} more`);
      }
      this.tip.textContent = lines.join("\n");
      this.tip.hidden = false;
      const left = Math.min(x + 14, this.width - this.tip.offsetWidth - 4);
      this.tip.style.left = `${Math.max(left, 0)}px`;
      this.tip.style.top = `${TOP + (cpu + 1) * ROW + 2}px`;
    }
  };

  /** The middle of two pointers, or of one, and how far they are apart. */
  function grip(pointers) {
    const [one, two = one] = pointers.values();
    // Of fingers that nearly touch, a pixel more is no zoom.
    const spread = Math.max(Math.hypot(two[0] - one[0], two[1] - one[1]), 10);
    return { middle: (one[0] + two[0]) / 2, spread };
  }
})();
