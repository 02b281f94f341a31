const SVG = 'http://www.w3.org/2000/svg';

/** Make an element; text goes in as text, never as HTML. */
export function el(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

export function svg(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name === 'on') {
      for (const [event, heard] of Object.entries(value)) node.addEventListener(event, heard);
    } else if (name === 'style') {
      for (const [key, said] of Object.entries(value)) node.style.setProperty(key, said);
    } else if (value === true) {
      node.setAttribute(name, '');
    } else if (value !== false && value !== null && value !== undefined) {
      node.setAttribute(name, value);
    }
  }
  node.append(...children.flat(Infinity).filter((child) => (child ?? false) !== false));
  return node;
}

/** Tell those who listen to the page rather than see it. */
export function say(text) {
  document.getElementById('said').textContent = text;
}

/** A note that says what went wrong. */
export function trouble(error) {
  return el('p', { class: 'note', role: 'alert' }, sentence(error.message));
}

function sentence(text) {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.?]$/.test(text) ? '' : '.'}`;
}

/** Fill a box with what a promise brings, or with a note of what went wrong. */
export async function into(box, promise) {
  try {
    const nodes = await promise;
    if (nodes !== undefined) box.replaceChildren(...[nodes].flat());
  } catch (error) {
    box.replaceChildren(trouble(error));
  }
  box.removeAttribute('aria-busy');
}

/** Redraw, and give the focus back to what took the place of the element that had it. */
export async function keepingFocus(redraw, otherwise) {
  const { keep } = document.activeElement?.dataset ?? {};
  await redraw();
  if (!keep || document.activeElement !== document.body) return;
  const same = [...document.querySelectorAll('[data-keep]')].find((one) => one.dataset.keep === keep);
  (same ?? otherwise?.())?.focus({ preventScroll: Boolean(same) });
}

/** Call a function once nothing has called for it in a while. */
export function debounced(wait, call) {
  let timer;
  return (...given) => {
    clearTimeout(timer);
    timer = setTimeout(call, wait, ...given);
  };
}

let numbers = 0;

export function newId(stem) {
  numbers += 1;
  return `${stem}-${numbers}`;
}

export function section(title, id, ...children) {
  return el(
    'section',
    { 'aria-labelledby': `${id}-title`, 'data-section': id },
    el('h2', { id: `${id}-title` }, title),
    ...children,
  );
}

export const calm = () => matchMedia('(prefers-reduced-motion: reduce)').matches;
