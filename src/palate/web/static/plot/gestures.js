// A pointer that moves less is held still; pixels.
const STILL = 4;
const REACH = { mouse: 12, touch: 22 };
const WHEEL = 0.0016;
const STEP = 60;

/**
 * Report what is done to a node with a mouse, a finger, two fingers or the keyboard.
 *
 * `mode()` returns what dragging does: 'pan', 'select', 'lasso', or false if only hovering and clicks
 * count. Handlers: move(dx, dy), zoom(factor, x, y), trace([[x, y], ...], isDone), hover(x, y, reach),
 * leave(), pick(x, y, reach), key(name) and oneFinger(). Positions are pixels in the node.
 * One finger scrolls the page where dragging moves the plot; two fingers move and zoom it.
 */
export function listen(node, mode, handlers) {
  const place = ({ clientX, clientY }) => {
    const { left, top } = node.getBoundingClientRect();
    return [clientX - left, clientY - top];
  };
  listenToDrags(node, mode, handlers, place);
  listenToFingers(node, mode, handlers, place);
  node.addEventListener('wheel', (event) => {
    if (!mode()) return;
    event.preventDefault();
    const pixels = event.deltaY * (event.deltaMode === 1 ? 16 : 1) * (event.ctrlKey ? 5 : 1);
    handlers.zoom(Math.exp(Math.max(-1, Math.min(1, pixels * WHEEL))), ...place(event));
  }, { passive: false });
  node.addEventListener('keydown', (event) => {
    const run = KEYS[event.key];
    if (!mode() || !run || event.ctrlKey || event.metaKey || event.altKey) return;
    event.preventDefault();
    run(handlers);
  });
}

const KEYS = {
  ArrowLeft: ({ move, key }) => key('moved', move(STEP, 0)),
  ArrowRight: ({ move, key }) => key('moved', move(-STEP, 0)),
  ArrowUp: ({ move, key }) => key('moved', move(0, STEP)),
  ArrowDown: ({ move, key }) => key('moved', move(0, -STEP)),
  '+': ({ key }) => key('in'),
  '=': ({ key }) => key('in'),
  '-': ({ key }) => key('out'),
  0: ({ key }) => key('all'),
  Enter: ({ key }) => key('pick'),
  Escape: ({ key }) => key('clear'),
};

/**
 * Drags of a mouse or pen, and of a finger where it draws a selection; presses and hovering. A press
 * counts when it ends, not as a click: browsers make none of the first tap after a swift movement.
 */
function listenToDrags(node, mode, handlers, place) {
  let press = null; // {start, path, isStill, mode}; without a mode it drags nothing
  node.addEventListener('pointerdown', (event) => {
    if (event.button !== 0 || !event.isPrimary) {
      press = null;
      return;
    }
    const start = place(event);
    const drags = mode() && !(event.pointerType === 'touch' && mode() === 'pan');
    press = { start, path: [start], isStill: true, mode: drags ? mode() : null };
    if (drags) node.setPointerCapture(event.pointerId);
  });
  node.addEventListener('pointermove', (event) => {
    const at = place(event);
    if (!press && event.pointerType === 'mouse') handlers.hover(...at, REACH.mouse);
    if (!press || (press.isStill && Math.hypot(at[0] - press.start[0], at[1] - press.start[1]) < STILL)) return;
    press.isStill = false;
    const last = press.path.at(-1);
    press.path.push(at);
    if (press.mode === 'pan') handlers.move(at[0] - last[0], at[1] - last[1]);
    else if (press.mode) handlers.trace(outlineOf(press), false);
  });
  node.addEventListener('pointerup', (event) => {
    const ended = press;
    press = null;
    if (ended?.isStill) handlers.pick(...ended.start, event.pointerType === 'touch' ? REACH.touch : REACH.mouse);
    else if (ended?.mode && ended.mode !== 'pan') handlers.trace(outlineOf(ended), true);
  });
  node.addEventListener('pointercancel', () => {
    if (press?.mode && press.mode !== 'pan') handlers.trace(null, false);
    press = null;
  });
  node.addEventListener('pointerleave', handlers.leave);
}

/** Return the outline that a drag has drawn: a box between its ends, or the path itself. */
function outlineOf({ mode, start: [x0, y0], path }) {
  if (mode === 'lasso') return path;
  const [x1, y1] = path.at(-1);
  return [[x0, y0], [x1, y0], [x1, y1], [x0, y1]];
}

/** Two fingers move and zoom; one finger is left to the page. */
function listenToFingers(node, mode, handlers, place) {
  let last = null;
  const pinch = ([one, two]) => {
    const [a, b] = [place(one), place(two)];
    return { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, distance: Math.max(20, Math.hypot(a[0] - b[0], a[1] - b[1])) };
  };
  const start = (event) => {
    last = mode() && event.touches.length === 2 ? pinch(event.touches) : null;
    // Without its default, a tap makes no click, which could hit what the tap has opened.
    if ((last || event.type === 'touchend') && event.cancelable) event.preventDefault();
    if (last) handlers.trace(null, false);
  };
  node.addEventListener('touchstart', start, { passive: false });
  node.addEventListener('touchmove', (event) => {
    if (last && event.touches.length === 2) {
      if (event.cancelable) event.preventDefault();
      const now = pinch(event.touches);
      handlers.move(now.x - last.x, now.y - last.y);
      handlers.zoom(last.distance / now.distance, now.x, now.y);
      last = now;
    } else if (mode() === 'pan' && event.touches.length === 1) {
      handlers.oneFinger();
    }
  }, { passive: false });
  for (const end of ['touchend', 'touchcancel']) node.addEventListener(end, start, { passive: false });
}
