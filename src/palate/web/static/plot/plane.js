// How much a plot can be magnified, and how much more than everything it can show.
const MAX_ZOOM = 5000;
const MAX_SPAN = 1.6;
const MARGIN = { left: 46, right: 14, top: 14, bottom: 30 };
const DIRECTIONS = ['x', 'y'];

/**
 * The plane of a plot: its area in the box, in pixels, and the range of each coordinate that is in
 * view. Coordinates are logarithms to base 10 where an axis is logarithmic.
 */
export class Plane {
  area = { left: 0, top: 0, width: 1, height: 1 };
  isLog = { x: false, y: false };
  home = { x: [0, 1], y: [0, 1] };
  view = { x: [0, 1], y: [0, 1] };

  resize(width, height) {
    this.area = {
      left: MARGIN.left, top: MARGIN.top, width: Math.max(1, width - MARGIN.left - MARGIN.right), height: Math.max(1, height - MARGIN.top - MARGIN.bottom),
    };
  }

  /** Dots are smaller in a small plot. */
  get dotScale() {
    return Math.min(1, Math.max(0.6, Math.sqrt((this.area.width * this.area.height) / 400_000)));
  }

  /** Set the axes, {x: {range, type}, y: ...}; return whether they are others than before, and show all if so. */
  setAxes(axes) {
    const before = JSON.stringify([this.home, this.isLog]);
    for (const direction of DIRECTIONS) {
      this.home[direction] = [...axes[direction].range];
      this.isLog[direction] = axes[direction].type === 'log';
    }
    const isChanged = JSON.stringify([this.home, this.isLog]) !== before;
    if (isChanged) this.reset();
    return isChanged;
  }

  reset() {
    this.view = { x: [...this.home.x], y: [...this.home.y] };
  }

  coordinate(direction, value) {
    return this.isLog[direction] ? Math.log10(value) : value;
  }

  /** Return the pixel of a coordinate. */
  pixelX(u) {
    const [low, high] = this.view.x;
    return this.area.left + ((u - low) / (high - low)) * this.area.width;
  }

  pixelY(v) {
    const [low, high] = this.view.y;
    return this.area.top + ((high - v) / (high - low)) * this.area.height;
  }

  /** Return the coordinate at a pixel. */
  atX(pixel) {
    const [low, high] = this.view.x;
    return low + ((pixel - this.area.left) / this.area.width) * (high - low);
  }

  atY(pixel) {
    const [low, high] = this.view.y;
    return high - ((pixel - this.area.top) / this.area.height) * (high - low);
  }

  isInside(x, y) {
    const { left, top, width, height } = this.area;
    return x >= left && x <= left + width && y >= top && y <= top + height;
  }

  /** Return the view after multiplying its extent, with what is at a pixel staying there. */
  zoomed(factor, x = this.area.left + this.area.width / 2, y = this.area.top + this.area.height / 2) {
    const scale = (range, fixed, home) => {
      const span = range[1] - range[0];
      const full = home[1] - home[0];
      const wanted = Math.min(Math.max(span * factor, full / MAX_ZOOM), full * MAX_SPAN);
      return range.map((end) => fixed + (end - fixed) * (wanted / span));
    };
    return clamped({ x: scale(this.view.x, this.atX(x), this.home.x), y: scale(this.view.y, this.atY(y), this.home.y) }, this.home);
  }

  /** Return the view after moving the content by pixels. */
  moved(dx, dy) {
    const byX = (-dx / this.area.width) * (this.view.x[1] - this.view.x[0]);
    const byY = (dy / this.area.height) * (this.view.y[1] - this.view.y[0]);
    return clamped({ x: this.view.x.map((end) => end + byX), y: this.view.y.map((end) => end + byY) }, this.home);
  }

  /** Return the view of a quarter of the full range around a point. */
  around(u, v) {
    const range = (centre, [low, high]) => [centre - (high - low) / 8, centre + (high - low) / 8];
    return { x: range(u, this.home.x), y: range(v, this.home.y) };
  }

  isHome() {
    return DIRECTIONS.every((direction) => this.view[direction].every((end, i) => end === this.home[direction][i]));
  }
}

/** Move a view so that its centre is in the full range: points can't be lost. */
function clamped(view, home) {
  const inside = ([low, high], [least, most]) => {
    const centre = (low + high) / 2;
    const shift = Math.min(Math.max(centre, least), most) - centre;
    return [low + shift, high + shift];
  };
  return { x: inside(view.x, home.x), y: inside(view.y, home.y) };
}
