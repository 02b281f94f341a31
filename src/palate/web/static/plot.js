import { el, prefersReducedMotion } from './dom.js';
import { contours } from './plot/density.js';
import { listen } from './plot/gestures.js';
import { placeLabels } from './plot/labels.js';
import { Overlay } from './plot/overlay.js';
import { Painter } from './plot/painter.js';
import { Plane } from './plot/plane.js';
import { Points } from './plot/points.js';

const ANIMATION_MS = 350;
// A plot that has not moved for so long is at rest.
const REST_MS = 120;
const ZOOM_STEP = 0.6;
// Maximum number of points that are tried for a label.
const MAX_CANDIDATES = 300;
// With fewer points, contours of their density say nothing that the points do not.
const MIN_CONTOURED = 400;
// An outline that is drawn by hand is kept with so many corners, so that an address can hold it.
const MAX_CORNERS = 40;

export const colour = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/**
 * Draw a scatter plot in a box. Points are {id, title, x, y, size, colour, faint, ring, ratings,
 * xLower, ...}. A canvas shows the points and axes; labels, markers and tooltip are elements over it.
 * `tooltip` returns the lines of a point's tooltip. With `drag` ('pan', 'select' or 'lasso') the
 * plot can be zoomed and dragged, also with the keyboard; `label` is then its accessible name.
 * `labels` is the maximum number of labels on a wide plot. Once the plot is at rest, `onView` gets
 * the points in view, the most rated first, and the view; `onSelect` gets the selected points, or
 * null, and their outline in coordinates.
 */
export const scatter = (box, options) => new Scatter(box, options);

class Scatter {
  #box;
  #options;
  #canvas = el('canvas');
  #graph;
  #overlay = new Overlay();
  #plane = new Plane();
  #painter;
  #points = new Points([], this.#plane);
  #contours = null;
  #outline = null;
  #draft = null;
  #markedId = null;
  #person = null;
  #frame = 0;
  #animation = 0;
  #resting = 0;
  #isMoving = false;
  #hovered = -1;
  #cleanUp;
  /** Called when the colours of the page have changed, to set points in new ones. */
  onColours = null;

  constructor(box, { drag = false, labels = 0, tooltip, ...options } = {}) {
    this.#box = box;
    this.#options = { drag, labels, tooltip, ...options };
    const interactive = drag && { tabindex: 0, role: 'application', 'aria-label': options.label };
    this.#graph = el('div', { class: 'graph', ...interactive, 'data-drag': drag || null }, this.#canvas);
    box.replaceChildren(this.#graph, this.#overlay.node);
    this.#painter = new Painter(this.#canvas);
    listen(this.#graph, () => this.#options.drag, this.#handlers());
    this.#resize();
    this.#cleanUp = this.#observe();
  }

  /** Show points; the view stays as it is if the axes, {x: {range, type}, y: ...}, are the same as before. */
  set(points, axes) {
    if (this.#plane.setAxes(axes)) this.#outline = null;
    this.#points = new Points(points, this.#plane);
    this.#points.scale(this.#plane.dotScale);
    const { x, y } = this.#points;
    this.#contours = this.#options.drag && points.length >= MIN_CONTOURED ? contours(x, y) : null;
    if (this.#outline) this.#points.select(this.#points.inside(this.#outline));
    this.#box.dataset.points = points.length;
    this.#overlay.hideTip();
    this.#draw();
    this.#settle(0);
  }

  mark(id) {
    this.#markedId = id;
    this.#schedule();
  }

  /** Mark where a person is, {x, y, xLower, xUpper, ...}; a coordinate that is null makes it a line. */
  markPerson(person) {
    if (person && this.#person) this.#overlay.glide();
    this.#person = person;
    this.#schedule();
  }

  /** Return where a point is, in pixels of the box; null if it is not in view. */
  place(id) {
    const i = this.#points.index(id);
    if (i < 0) return null;
    const at = this.#pixel(i);
    return this.#plane.isInside(at.x, at.y) ? at : null;
  }

  /** Zoom in on a point: a quarter of the full range, centred on it. */
  zoomTo({ id }) {
    const i = this.#points.index(id);
    return this.#animateTo(this.#plane.around(this.#points.x[i], this.#points.y[i]));
  }

  zoom(factor) {
    return this.#animateTo(this.#plane.zoomed(factor));
  }

  reset() {
    return this.#animateTo(structuredClone(this.#plane.home));
  }

  /** Show a view, {x: [from, to], y: [from, to]} in coordinates. */
  show(view) {
    cancelAnimationFrame(this.#animation);
    this.#plane.view = view;
    this.#moved();
  }

  /** Show everything, at once. */
  showAll() {
    this.show(structuredClone(this.#plane.home));
  }

  setDragMode(mode) {
    this.#options.drag = mode;
    this.#graph.dataset.drag = mode;
  }

  /** Select the points in a polygon of coordinates. */
  select(outline) {
    const flags = this.#points.inside(outline);
    const selected = this.#points.all.filter((_, i) => flags[i]);
    if (!selected.length) return this.clearSelection();
    this.#outline = outline;
    this.#points.select(flags);
    this.#schedule();
    return this.#options.onSelect?.(selected, outline);
  }

  clearSelection() {
    this.#outline = null;
    this.#points.select(null);
    this.#schedule();
    this.#options.onSelect?.(null, null);
  }

  close() {
    this.#cleanUp();
    cancelAnimationFrame(this.#frame);
    cancelAnimationFrame(this.#animation);
    clearTimeout(this.#resting);
  }

  #observe() {
    const resizes = new ResizeObserver(() => this.#resize());
    resizes.observe(this.#graph);
    const recolour = () => {
      this.#painter.readColours();
      this.onColours?.();
      this.#schedule();
    };
    const schemes = matchMedia('(prefers-color-scheme: dark)');
    schemes.addEventListener('change', recolour);
    const themes = new MutationObserver(recolour);
    themes.observe(document.documentElement, { attributes: true });
    return () => {
      resizes.disconnect();
      schemes.removeEventListener('change', recolour);
      themes.disconnect();
    };
  }

  #resize() {
    const { clientWidth: width, clientHeight: height } = this.#graph;
    if (!width || !height) return;
    this.#plane.resize(width, height);
    this.#painter.resize(width, height);
    this.#points.scale(this.#plane.dotScale);
    this.#draw();
    this.#settle(0);
  }

  #handlers() {
    const plane = this.#plane;
    const show = (view) => this.show(view);
    return {
      move: (dx, dy) => show(plane.moved(dx, dy)),
      zoom: (factor, x, y) => show(plane.zoomed(factor, x, y)),
      trace: (path, isDone) => this.#trace(path, isDone),
      hover: (x, y, reach) => this.#hover(this.#points.nearest(plane, x, y, reach)),
      leave: () => this.#hover(-1),
      pick: (x, y, reach) => this.#pick(this.#points.nearest(plane, x, y, reach)),
      key: (name) => this.#key(name),
      oneFinger: () => this.#overlay.showHint(),
    };
  }

  /** Draw the outline of a selection, in pixels, while it grows; select what is in it once it is done. */
  #trace(path, isDone) {
    const every = Math.ceil((path?.length ?? 0) / MAX_CORNERS);
    this.#draft = path && path.filter((_, i) => i % every === 0).map(([x, y]) => [this.#plane.atX(x), this.#plane.atY(y)].map((value) => Number(value.toPrecision(5))));
    if (!isDone) return this.#schedule();
    const outline = this.#draft;
    this.#draft = null;
    return this.select(outline);
  }

  #hover(i) {
    if (i === this.#hovered) return;
    this.#hovered = i;
    this.#graph.classList.toggle('on-point', i >= 0);
    if (i < 0) {
      this.#overlay.hideTip();
      this.#options.onHover?.(null);
      return;
    }
    const point = this.#points.all[i];
    const { x, y } = this.#pixel(i);
    this.#overlay.showTip(point.title, this.#options.tooltip(point), x, y, this.#graph.clientWidth);
    this.#options.onHover?.(point.id);
  }

  #pick(i) {
    this.#options.onPick?.(i < 0 ? null : this.#points.all[i]);
  }

  /** Act on a key; after a move, the point nearest to the middle has the tooltip, and Enter picks it. */
  #key(name) {
    const { left, top, width, height } = this.#plane.area;
    const middle = () => this.#points.nearest(this.#plane, left + width / 2, top + height / 2, Math.min(width, height) / 2);
    const keys = {
      moved: () => this.#hover(middle()),
      in: () => this.zoom(ZOOM_STEP),
      out: () => this.zoom(1 / ZOOM_STEP),
      all: () => this.reset(),
      pick: () => this.#pick(middle()),
      clear: () => (this.#outline ? this.clearSelection() : this.#pick(-1)),
    };
    keys[name]();
  }

  #animateTo(view) {
    if (prefersReducedMotion()) return this.show(view);
    cancelAnimationFrame(this.#animation);
    const from = structuredClone(this.#plane.view);
    const start = performance.now();
    return new Promise((done) => {
      const step = (now) => {
        const part = Math.min(1, Math.max(0, now - start) / ANIMATION_MS);
        const eased = part < 0.5 ? 4 * part ** 3 : 1 - (2 - 2 * part) ** 3 / 2;
        const between = (a, b) => a.map((end, i) => (part === 1 ? b[i] : end + (b[i] - end) * eased));
        this.#plane.view = { x: between(from.x, view.x), y: between(from.y, view.y) };
        this.#moved();
        if (part < 1) this.#animation = requestAnimationFrame(step);
        else done();
      };
      this.#animation = requestAnimationFrame(step);
    });
  }

  #moved() {
    this.#isMoving = true;
    this.#hover(-1);
    this.#settle(REST_MS);
    this.#schedule();
  }

  #settle(wait) {
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => this.#rest(), wait);
  }

  #rest() {
    this.#isMoving = false;
    this.#schedule();
    if (!this.#points.length) return;
    const { view } = this.#plane;
    this.#options.onView?.(this.#points.inView(this.#plane).map((i) => this.#points.all[i]), this.#plane.isHome() ? null : view);
  }

  #schedule() {
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    if (!this.#graph.clientWidth) return;
    this.#painter.draw(this.#plane, this.#points, { contours: this.#contours, outline: this.#draft ?? this.#outline, isMoving: this.#isMoving });
    this.#overlay.place(this.#overlay.person, this.#person, this.#plane);
    const marked = this.#points.index(this.#markedId);
    this.#overlay.place(this.#overlay.marker, this.#points.all[marked], this.#plane);
    if (this.#options.labels) this.#overlay.showLabels(this.#labels(marked));
    this.#options.onDraw?.();
  }

  #labels(marked) {
    const { selected, all } = this.#points;
    const isWanted = (i) => !all[i].faint && (!selected || selected[i]);
    const inView = this.#points.inView(this.#plane, (i) => i !== marked && isWanted(i), MAX_CANDIDATES);
    const candidates = marked >= 0 && this.place(this.#markedId) ? [marked, ...inView] : inView;
    const points = candidates.map((i) => ({ title: all[i].title, size: this.#points.size[i], isMarked: i === marked, ...this.#pixel(i) }));
    const max = Math.round(this.#options.labels * Math.min(1, this.#graph.clientWidth / 900));
    return placeLabels(points, this.#plane.area, max, `500 ${this.#painter.font}`);
  }

  #pixel(i) {
    return { x: this.#plane.pixelX(this.#points.x[i]), y: this.#plane.pixelY(this.#points.y[i]) };
  }
}

/** Return the range of the values with a margin; of their logarithms to base 10 for a log axis. */
export function rangeOf(values, log = false) {
  const linear = log ? values.map(Math.log10) : values;
  const low = linear.reduce((a, b) => Math.min(a, b), Infinity);
  const high = linear.reduce((a, b) => Math.max(a, b), -Infinity);
  const margin = 0.04 * (high - low) || 1;
  return [low - margin, high + margin];
}
