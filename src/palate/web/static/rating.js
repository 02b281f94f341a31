import { el, newId, svg } from './dom.js';

// Arrow keys pass by the values in between: what they rest on for so many milliseconds is the rating.
const REST = 700;

/**
 * A group of radio buttons for the rating of an item, with a button that clears it: stars if the
 * scale is 1, 2, 3, ..., else the values. `onRate` gets the rating, or null.
 */
export function ratingControl({ title, scale, value, onRate, focusKey = `rate ${title}` }) {
  const isStars = scale.length <= 7 && scale.every((step, i) => step === i + 1);
  const name = newId('rating');
  const given = nearest(scale, value);
  const radio = (step) => {
    const label = isStars ? `${step} of ${scale.length}` : String(step);
    const input = el('input', { type: 'radio', name, value: step, checked: step === given, 'aria-label': label, 'data-focus-key': `${focusKey} ${step}` });
    return el('label', {}, input, isStars ? star() : el('span', {}, label));
  };
  const clear = el('button', { type: 'button', class: 'clear', 'aria-label': `Clear the rating of ${title}`, title: 'Clear' }, '×');
  const node = el('fieldset', { class: `rating ${isStars ? 'stars' : 'values'}` }, el('legend', { class: 'visually-hidden' }, `Rate ${title}`), ...scale.map(radio), clear);
  report(node, clear, onRate);
  return node;
}

/** Call `onRate` when the rating of a control changes. */
function report(node, clear, onRate) {
  let timer = null;
  let isArrow = false;
  const checked = () => node.querySelector('input:checked');
  const commit = () => {
    if (timer === null) return;
    clearTimeout(timer);
    timer = null;
    onRate(Number(checked().value));
  };
  node.addEventListener('keydown', ({ key }) => {
    isArrow = key.startsWith('Arrow');
    if (key === 'Enter' || key === ' ') commit();
  });
  node.addEventListener('pointerdown', () => { isArrow = false; });
  node.addEventListener('change', () => {
    clearTimeout(timer);
    timer = setTimeout(commit, REST);
    if (!isArrow) commit();
  });
  node.addEventListener('focusout', ({ relatedTarget }) => node.contains(relatedTarget) || commit());
  clear.addEventListener('click', () => {
    clearTimeout(timer);
    timer = null;
    const last = checked();
    if (last) last.checked = false;
    node.querySelector('input').focus({ preventScroll: true });
    onRate(null);
  });
}

/** Return the step of the scale that shows a value; undefined without one. */
function nearest(scale, value) {
  if (value === undefined || value === null) return undefined;
  return scale.reduce((best, step) => (Math.abs(step - value) < Math.abs(best - value) ? step : best));
}

function star() {
  return svg('svg', { viewBox: '0 0 24 24', 'aria-hidden': 'true' },
    svg('path', { d: 'M12 2.8l2.8 5.9 6.4.9-4.6 4.5 1.1 6.4-5.7-3.1-5.7 3.1 1.1-6.4L2.8 9.6l6.4-.9z' }));
}
