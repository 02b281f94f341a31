import { drawDots } from './dots.js';
import { channels } from './points.js';
import { linearTicks, logTicks } from '../ticks.js';

// Approximate pixels between the ticks of an axis.
const TICK_SPACE = { x: 80, y: 70 };
// The resolution in which more points than this are drawn while they move is that of the page.
const MANY = 5_000;
const RING = 3;

/** Draws a plot on a canvas: grid, ticks, contours, points, rings and the outline of a selection. */
export class Painter {
  constructor(canvas) {
    this.canvas = canvas;
    // The image is read for every drawing: it had better not be on a graphics card.
    this.context = canvas.getContext('2d', { alpha: false, willReadFrequently: true });
    this.readColours();
  }

  /** Read the colours of the page, which change with its scheme. */
  readColours() {
    const property = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
    const colours = { raised: '--raised', line: '--line', zero: '--zero', soft: '--soft', accent: '--accent', band: '--band' };
    this.colours = Object.fromEntries(Object.entries(colours).map(([name, variable]) => [name, property(variable)]));
    this.font = `12px ${property('--font')}`;
  }

  resize(width, height) {
    Object.assign(this, { width, height });
  }

  /** Draw everything; `outline` is a polygon of coordinates, `contours` a path; `isMoving` says that more is to come. */
  draw(plane, points, { contours, outline, isMoving }) {
    const ratio = isMoving && points.length > MANY ? 1 : devicePixelRatio || 1;
    const size = [Math.round(this.width * ratio), Math.round(this.height * ratio)];
    if (this.canvas.width !== size[0] || this.canvas.height !== size[1]) [this.canvas.width, this.canvas.height] = size;
    const { context } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.fillStyle = this.colours.raised;
    context.fillRect(0, 0, this.width, this.height);
    if (!points.length) return; // an axis would show a range that nobody has measured
    this.#axis('x', plane);
    this.#axis('y', plane);
    context.save();
    const { left, top, width, height } = plane.area;
    context.beginPath();
    context.rect(left, top, width, height);
    context.clip();
    if (contours) this.#contours(plane, contours);
    this.#points(plane, points, ratio);
    this.#rings(plane, points);
    if (outline) this.#outline(plane, outline);
    context.restore();
  }

  #axis(direction, plane) {
    const { context, colours } = this;
    const { left, top, width, height } = plane.area;
    const isAcross = direction === 'x';
    const most = Math.max(2, Math.floor((isAcross ? width : height) / TICK_SPACE[direction]));
    const ticks = (plane.isLog[direction] ? logTicks : linearTicks)(...plane.view[direction], most);
    context.font = this.font;
    context.textAlign = isAcross ? 'center' : 'right';
    context.textBaseline = isAcross ? 'top' : 'middle';
    for (const { at, label } of ticks) {
      const place = isAcross ? plane.pixelX(at) : plane.pixelY(at);
      const pixel = Math.round(place) - 0.5;
      context.strokeStyle = at === 0 && !plane.isLog[direction] ? colours.zero : colours.line;
      context.lineWidth = 1;
      context.beginPath();
      if (isAcross) context.rect(pixel, top, 0, height);
      else context.rect(left, pixel, width, 0);
      context.stroke();
      context.fillStyle = colours.soft;
      if (isAcross) context.fillText(label, place, top + height + 8);
      else context.fillText(label, left - 8, place);
    }
  }

  #contours(plane, { path, origin, cell }) {
    const [left, right] = [plane.pixelX(origin.x), plane.pixelX(origin.x + cell.x)];
    const [bottom, top] = [plane.pixelY(origin.y), plane.pixelY(origin.y + cell.y)];
    const placed = new Path2D();
    placed.addPath(path, new DOMMatrix([right - left, 0, 0, top - bottom, left, bottom]));
    this.context.strokeStyle = this.colours.band;
    this.context.lineWidth = 1.25;
    this.context.stroke(placed);
  }

  #points(plane, points, ratio) {
    const { left, top, width, height } = plane.area;
    const [x, y] = [Math.round(left * ratio), Math.round(top * ratio)];
    const image = this.context.getImageData(x, y, Math.round(width * ratio), Math.round(height * ratio));
    drawDots(image, points, plane, ratio, channels(this.colours.raised));
    this.context.putImageData(image, x, y);
  }

  #rings(plane, points) {
    this.context.lineWidth = 2.5;
    for (const i of points.ringed) {
      this.context.strokeStyle = points.all[i].ring;
      this.context.beginPath();
      this.context.arc(plane.pixelX(points.x[i]), plane.pixelY(points.y[i]), points.size[i] / 2 + RING, 0, 7);
      this.context.stroke();
    }
  }

  #outline(plane, polygon) {
    const { context } = this;
    context.beginPath();
    for (const [u, v] of polygon) context.lineTo(plane.pixelX(u), plane.pixelY(v));
    context.closePath();
    context.strokeStyle = this.colours.accent;
    context.lineWidth = 1.5;
    context.stroke();
    context.globalAlpha = 0.06;
    context.fillStyle = this.colours.accent;
    context.fill();
    context.globalAlpha = 1;
  }
}
