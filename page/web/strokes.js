// What the timeline is drawn with: marks, arrows and gaps.
//
// The hard thing is that they are small: each shape has to be told from the others at
// eight pixels.
"use strict";

(() => {
  /** Height of a bar, and width of what is left of it. */
  const BAR = 14;
  const GUTTER = 48;
  const strokes = { BAR, GUTTER };
  Jostle.strokes = strokes;

  /** A stretch of which nothing is known. */
  strokes.gap = (g, left, y, width) => {
    g.save();
    g.beginPath();
    g.rect(left, y, width, BAR);
    g.clip();
    g.strokeStyle = "#a83a32";
    g.lineWidth = 1.5;
    g.beginPath();
    for (let x = left - (left % 7) - BAR; x < left + width; x += 7) {
      g.moveTo(x, y + BAR);
      g.lineTo(x + BAR, y);
    }
    g.stroke();
    g.restore();
  };

  /** An arrow from a bar's edge to another's; on one CPU a bow below its bar. */
  strokes.arrow = (g, x1, y1, x2, y2, right) => {
    g.save();
    g.beginPath();
    g.rect(GUTTER, 0, right - GUTTER, 1e4);
    g.clip();
    const [from, to] = [y1 < y2 ? y1 + BAR : y1 > y2 ? y1 : y1 + BAR, y1 < y2 ? y2 : y2 + BAR];
    g.beginPath();
    g.moveTo(x1, from);
    let slope = Math.atan2(to - from, x2 - x1);
    if (y1 === y2) {
      g.quadraticCurveTo((x1 + x2) / 2, from + 18, x2, to);
      slope = Math.atan2(-18, (x2 - x1) / 2);
    } else {
      g.lineTo(x2, to);
    }
    g.stroke();
    g.beginPath();
    g.moveTo(x2, to);
    for (const side of [-0.4, 0.4]) g.lineTo(x2 - 7 * Math.cos(slope + side), to - 7 * Math.sin(slope + side));
    g.fill();
    g.restore();
  };

  /** Draws a mark; `y` is the bar's lower edge. */
  strokes.mark = (g, shape, x, y) => {
    g.beginPath();
    switch (shape) {
      case "tick":
        g.rect(x, y + 1, 1, 5);
        break;
      case "high":
        g.rect(x, y - 1, 1.5, 9);
        break;
      case "up":
        g.moveTo(x, y + 1);
        g.lineTo(x + 4, y + 8);
        g.lineTo(x - 4, y + 8);
        break;
      case "diamond":
        g.moveTo(x, y);
        g.lineTo(x + 4, y + 4);
        g.lineTo(x, y + 8);
        g.lineTo(x - 4, y + 4);
        break;
      case "cross":
        g.lineWidth = 2;
        g.moveTo(x - 3, y + 1);
        g.lineTo(x + 3, y + 7);
        g.moveTo(x + 3, y + 1);
        g.lineTo(x - 3, y + 7);
        g.stroke();
        g.lineWidth = 1;
        return;
      case "ring":
        g.lineWidth = 1.5;
        g.arc(x, y + 4, 3, 0, 7);
        g.stroke();
        g.lineWidth = 1;
        return;
    }
    g.fill();
  };
})();
