import { el } from '../dom.js';

const FADE = 1500;
const GLIDE = 600;

/** What lies over a plot: labels, markers with their intervals, a tooltip and a hint. */
export class Overlay {
  #pool = [];
  #fading;
  #gliding;

  constructor() {
    this.names = el('div');
    this.marker = markerOf('marker');
    this.person = markerOf('marker person', 'You');
    this.tip = el('div', { class: 'tooltip', hidden: true });
    this.hint = el('div', { class: 'plot-hint', hidden: true }, 'Two fingers move the map');
    this.node = el('div', { class: 'overlay', 'aria-hidden': 'true' }, this.names, this.person, this.marker, this.tip, this.hint);
  }

  showLabels(labels) {
    while (this.#pool.length < labels.length) {
      const name = el('span', { class: 'name' });
      this.#pool.push(name);
      this.names.append(name);
    }
    this.#pool.forEach((name, i) => {
      const label = labels[i];
      name.hidden = !label;
      if (!label) return;
      if (name.textContent !== label.title) name.textContent = label.title;
      name.className = label.isMarked ? 'name marked' : 'name';
      name.style.transform = `translate(${label.left.toFixed(1)}px, ${label.top.toFixed(1)}px)`;
    });
  }

  /**
   * Place a marker at a point, {x, y, xLower, xUpper, yLower, yUpper, size}; hide it if there is none,
   * or out of view. A point without one coordinate becomes a line across the plot.
   */
  place(marker, point, plane) {
    marker.hidden = !point;
    if (!point) return;
    const { left: start, top: above, width, height } = plane.area;
    const across = (value) => plane.pixelX(plane.coordinate('x', value));
    const up = (value) => plane.pixelY(plane.coordinate('y', value));
    const x = point.x === null ? start + width / 2 : across(point.x);
    const y = point.y === null ? above + height / 2 : up(point.y);
    marker.hidden = !plane.isInside(x, y);
    marker.classList.toggle('line', point.x === null || point.y === null);
    const interval = (value, ends, pixel, centre, from, length) => {
      if (value === null) return [from - centre, from + length - centre];
      if (ends.some((end) => end === null || end === undefined)) return [0, 0];
      return ends.map((end) => Math.min(Math.max(pixel(end), from), from + length) - centre);
    };
    const [left, right] = interval(point.x, [point.xLower, point.xUpper], across, x, start, width);
    const [bottom, top] = interval(point.y, [point.yUpper, point.yLower], up, y, above, height).reverse();
    const style = { left: x, top: y, '--left': left, '--width': right - left, '--top': top, '--height': bottom - top, '--size': point.size + 8 };
    for (const [name, value] of Object.entries(style)) marker.style.setProperty(name, `${value}px`);
  }

  /** Let the marker of the person glide to where it is placed next. */
  glide() {
    this.person.classList.add('gliding');
    clearTimeout(this.#gliding);
    this.#gliding = setTimeout(() => this.person.classList.remove('gliding'), GLIDE);
  }

  /** Show the lines of a tooltip above a pixel, or below it where there is no room. */
  showTip(title, lines, x, y, width) {
    this.tip.replaceChildren(el('strong', {}, title), ...lines.map((line) => el('span', {}, line)));
    this.tip.hidden = false;
    this.tip.style.left = `${Math.min(Math.max(4, x - this.tip.offsetWidth / 2), width - this.tip.offsetWidth - 4)}px`;
    this.tip.style.top = `${y > this.tip.offsetHeight + 18 ? y - this.tip.offsetHeight - 14 : y + 14}px`;
  }

  hideTip() {
    this.tip.hidden = true;
  }

  showHint() {
    this.hint.hidden = false;
    clearTimeout(this.#fading);
    this.#fading = setTimeout(() => { this.hint.hidden = true; }, FADE);
  }
}

function markerOf(className, name) {
  return el('div', { class: className, hidden: true }, el('i'), el('b'), name && el('span', {}, name));
}
