import { button, debounced, el, newId } from '../dom.js';
import { listSwitch } from '../people.js';
import { ratingControl } from '../rating.js';
import { copyButton, curl, downloadButton, literal, python, snippets } from '../snippets.js';
import { balanceOf, byOf, withBalance, withQuestion } from './try_state.js';

/** What the list is ranked by: a switch, a slider between its ends, one for variety, and caution. */
export function listControls(summary, onChange) {
  let state;
  const change = (next, options) => onChange(next, options);
  const lists = listSwitch(summary, (by) => change(withQuestion(state, by ?? summary.lists_by[0], summary)));
  const balance = summary.lists_by.length > 1 && slider('What people like you pick', 'How much you would like it', 'From what people like you pick to how much you would like it',
    (value, options) => change(withBalance(state, value, summary), options));
  const variety = summary.users && slider('The best', 'A varied list', 'From the best to a varied list', (value, options) => change({ ...state, variety: value }, options));
  const toggle = el('input', { type: 'checkbox', name: 'cautious', on: { change: () => change({ ...state, cautious: toggle.checked }) } });
  const safer = summary.sure && el('label', { class: 'toggle' }, toggle, el('span', {}, 'Safer choices first'));
  const node = el('div', { class: 'list-controls' }, lists.node, safer, balance?.node, variety?.node);
  const set = (current) => {
    state = current;
    const by = byOf(state, summary);
    lists.set(by ?? 'between');
    balance?.set?.(balanceOf(state, summary));
    variety?.set?.(state.variety);
    toggle.checked = state.cautious;
    if (safer) safer.hidden = by !== 'rating';
  };
  return { node, text: lists.text, set };
}

/** A slider from 0 to 1. The first change gets an entry in the browser's history; those that follow replace it. */
function slider(low, high, label, onChange) {
  let isFirst = true;
  let isMoving = false;
  const changed = debounced(120, () => {
    onChange(Number(input.value), { replace: !isFirst });
    isFirst = false;
    isMoving = false;
  });
  const moved = () => {
    isMoving = true;
    changed();
  };
  const begin = () => { isFirst = true; };
  const input = el('input', { id: newId('slider'), type: 'range', min: 0, max: 1, step: 0.05, 'aria-label': label, on: { input: moved, focus: begin, pointerdown: begin } });
  const node = el('div', { class: 'slider' }, el('span', { 'aria-hidden': 'true' }, low), input, el('span', { 'aria-hidden': 'true' }, high));
  const set = (value) => {
    if (!isMoving) input.value = value;
    input.setAttribute('aria-valuetext', `${Math.round(100 * value)}% towards: ${high.toLowerCase()}`);
  };
  return { node, set };
}

/** What can be done with each recommendation, in its place: rate or pick it, or leave it out. */
export const inPlace = ({ scale }, { onRate, onDismiss }) => ({ id, item: title }) => el('div', { class: 'in-place' },
  scale.length
    ? el('div', { class: 'seen' }, el('span', { 'aria-hidden': 'true' }, 'Know it?'), ratingControl({ title, scale, focusKey: `in list ${id}`, onRate: (value) => onRate(id, value) }))
    : button('I know this', () => onRate(id, 1), { class: 'link', 'data-focus-key': `know ${id}`, 'aria-label': `I know this: ${title}` }),
  button('Not interested', () => onDismiss(id), { class: 'link', 'data-focus-key': `dismiss ${id}`, 'aria-label': `Not interested: ${title}` }));

/** Items that the visitor has set aside, each with a button that takes this back. */
export const setAside = (name, items, onUndo) => items.length > 0 && el('div', { class: 'aside' }, el('h3', {}, name),
  el('ul', { class: 'chips-row' }, items.map(({ id, item }) => el('li', {}, button([item, el('span', { 'aria-hidden': 'true' }, ' ↩')], () => onUndo(String(id)),
    { class: 'chip', 'data-focus-key': `undo ${name} ${id}`, 'aria-label': `${item}: undo “${name}”` })))));

/** Buttons that take the list elsewhere; `current` returns the history, the list and how it was made. */
export const takeAway = (current) => el('p', { class: 'actions' },
  snippets({ python: () => program(current()), curl: () => curl('recommendations', { body: body(current()) }) }),
  downloadButton('recommendations.csv', async () => [COLUMNS, ...current().found.map((one) => COLUMNS.map((name) => one[name]))]));

const COLUMNS = ['rank', 'id', 'item', 'score', 'chance', 'prediction', 'lower', 'upper', 'ratings'];

/** A program that prints the list; `history` has the item and the value of each entry, `options` says how the list is made. */
function program({ history, isPicking, n, exclude, options }) {
  // A title must not end the comment that it is in.
  const comment = (title) => (title === undefined ? '' : `  # ${title.replace(/[\p{Cc}\p{Zl}\p{Zp}]+/gu, ' ')}`);
  const entries = history.map(({ id, item, value }) => `    ${literal(id)}${isPicking ? '' : `: ${value}`},${comment(item)}\n`).join('');
  const person = `${isPicking ? '[' : '{'}${entries && `\n${entries}`}${isPicking ? ']' : '}'}`;
  const given = Object.entries({ ...options, ...(exclude.length && { exclude }) }).map(([name, value]) => `, ${name}=${literal(value)}`);
  return python(`me = model.profile(${person})`, `print(me.recommend(${n}${given.join('')}))`);
}

/** The request for the list. */
const body = ({ history, isPicking, n, exclude, options }) => ({
  ...(isPicking ? { items: history.map(({ id }) => id) } : { ratings: history.map(({ id, value }) => ({ item: id, rating: value })) }),
  n, ...options, ...(exclude.length && { exclude }),
});

export const copyLink = () => copyButton('Copy the link', () => location.href);
