const SVG = 'http://www.w3.org/2000/svg';

/** Create an element; strings become text nodes, never HTML. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') {
      for (const [event, listener] of Object.entries(value)) node.addEventListener(event, listener);
    } else if (name === 'style') {
      for (const [property, style] of Object.entries(value)) node.style.setProperty(property, style);
    } else if (value === true) {
      node.setAttribute(name, '');
    } else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, value);
    }
  }
  node.append(...children.flat(Infinity).filter((child) => (child ?? false) !== false));
  return node;
}

/** Replace what is in a node; children are given as for `el`. */
export function put(node, ...children) {
  node.replaceChildren();
  return fill(node, {}, children);
}

/** Announce a text to screen readers. */
export function announce(text) {
  document.getElementById('announcement').textContent = text;
}

/** Return a note with the message of an error, and a button to try again where that can help. */
export function errorNote(error) {
  const retry = () => dispatchEvent(new Event('retry'));
  const isPassing = error.status === 0 || error.status >= 500;
  return el('div', { class: 'note', role: 'alert' }, sentence(error.message),
    isPassing && el('button', { class: 'button', type: 'button', 'data-action': 'retry', on: { click: retry } }, 'Try again'));
}

export function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? '' : '.'}`;
}

/**
 * Fill a box with the nodes that a promise resolves to, or with a note of its error.
 * The box is busy until then. It stays as it is, and busy, if the promise resolves to undefined,
 * because a later call for the same box has taken over.
 */
export async function renderInto(box, promise) {
  box.setAttribute('aria-busy', 'true');
  try {
    const nodes = await promise;
    if (nodes === undefined) return;
    put(box, nodes);
  } catch (error) {
    put(box, errorNote(error));
  }
  box.removeAttribute('aria-busy');
}

/**
 * Run a redraw that may replace the focused element, and then focus its successor: the element with
 * the same data-focus-key, else what `fallback` returns.
 */
export async function preservingFocus(redraw, fallback) {
  const { focusKey } = document.activeElement?.dataset ?? {};
  await redraw();
  if (!focusKey || document.activeElement !== document.body) return;
  const same = [...document.querySelectorAll('[data-focus-key]')].find((node) => node.dataset.focusKey === focusKey);
  (same ?? fallback?.())?.focus({ preventScroll: Boolean(same) });
}

/** Return a function that calls `call` once it has not been called again for `wait` milliseconds. */
export function debounced(wait, call) {
  let timer;
  return (...args) => {
    clearTimeout(timer);
    timer = setTimeout(call, wait, ...args);
  };
}

let idCount = 0;

export function newId(prefix) {
  idCount += 1;
  return `${prefix}-${idCount}`;
}

export function section(title, id, ...children) {
  return el('section', { 'aria-labelledby': `${id}-title`, 'data-section': id }, el('h2', { id: `${id}-title` }, title), ...children);
}

export const prefersReducedMotion = () => matchMedia('(prefers-reduced-motion: reduce)').matches;

/** A quiet button. */
export const button = (name, click, attributes = {}) => el('button', { type: 'button', class: 'button quiet', ...attributes, on: { click } }, name);

/** A quiet button for a task that takes a while; the message of an error is shown beside it. */
export function busyButton(name, task) {
  const failed = el('span', { role: 'alert', class: 'soft' });
  const node = button(name, async () => {
    node.setAttribute('aria-busy', 'true');
    failed.textContent = await task().then(() => '', (error) => sentence(error.message));
    node.removeAttribute('aria-busy');
  });
  return el('span', { class: 'busy-button' }, node, failed);
}
