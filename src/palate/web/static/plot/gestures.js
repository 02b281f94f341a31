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

/** Drags of a mouse or pen, and of a finger where it draws a selection; clicks and hovering. */
function listenToDrags(node, mode, handlers, place) {
  let drag = null;
  let isClick = true;
  node.addEventListener('pointerdown', (event) => {
    isClick = true;
    if (!mode() || event.button !== 0 || (event.pointerType === 'touch' && mode() === 'pan')) return;
    const start = place(event);
    drag = { mode: mode(), start, path: [start] };
    node.setPointerCapture(event.pointerId);
  });
  node.addEventListener('pointermove', (event) => {
    const at = place(event);
    if (!drag) {
      if (event.pointerType === 'mouse') handlers.hover(...at, REACH.mouse);
      return;
    }
    const last = drag.path.at(-1);
    if (isClick && Math.hypot(at[0] - drag.start[0], at[1] - drag.start[1]) < STILL) return;
    isClick = false;
    if (drag.mode === 'pan') handlers.move(at[0] - last[0], at[1] - last[1]);
    drag.path.push(at);
    if (drag.mode !== 'pan') handlers.trace(outlineOf(drag), false);
  });
  node.addEventListener('pointerup', () => {
    if (drag && !isClick && drag.mode !== 'pan') handlers.trace(outlineOf(drag), true);
    drag = null;
  });
  node.addEventListener('pointercancel', () => {
    if (drag && drag.mode !== 'pan') handlers.trace(null, false);
    drag = null;
  });
  node.addEventListener('pointerleave', handlers.leave);
  node.addEventListener('click', (event) => isClick && handlers.pick(...place(event), event.pointerType === 'touch' ? REACH.touch : REACH.mouse));
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
    if (last && event.cancelable) event.preventDefault();
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
