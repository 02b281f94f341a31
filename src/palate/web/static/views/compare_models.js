import { request } from '../api.js';
import { bars } from '../charts.js';
import { el, errorNote, renderInto } from '../dom.js';
import { capitalized, count, percent, plural, signed } from '../format.js';
import { itemLink } from '../links.js';
import { pairLegend, twoTracks } from '../pair.js';

const POLL_MS = 1000;

/** A part of the page with what the service computes at a path; `load` asks for it. */
function later(path, draw) {
  const node = el('div');
  return { node, load: () => renderInto(node, request(path).then((found) => (found.why_not ? unknown(found.why_not) : draw(found)))) };
}

/** How many titles the lists of people have in common. */
export const alikeness = ({ models }) => later('compare/overlap', (found) => {
  const rows = found.counts.map((value, n) => ({ name: `${n} of ${found.n}`, value, digits: 0 }));
  const least = found.counts.findIndex((value) => value > 0);
  return [
    el('p', { class: 'sentence' }, `On average ${percent(found.mean)} of a list of ${found.n} from ${models[0].name} is in that from ${models[1].name}, too.`),
    bars(rows.slice(least), 'How many people have so many titles in both lists'),
    el('p', { class: 'soft' }, `How many titles are in both lists, and of how many people: ${found.people < found.known ? `${count(found.people)} drawn at random from the ${count(found.known)}` : `all ${count(found.known)}`} whom both models know. What either has in their history is left out of both lists.`),
  ];
});

/** The titles whose biases differ most. */
export const biases = ({ models }) => later('compare/biases', (found) => {
  const all = [...found.higher, ...found.lower];
  const max = Math.max(0.1, ...all.flatMap(({ bias, other_bias: other }) => [Math.abs(bias), Math.abs(other)]));
  const names = models.map(({ name }) => name);
  const list = (rows, side) => el('div', {}, el('h3', { class: `side-${side}` }, `${names[side]} likes better`),
    rows.length ? el('ul', { class: 'differences' }, ...rows.map((one) => difference(one, names, max))) : el('p', { class: 'soft' }, 'None.'));
  return [
    el('p', {}, `The bias of a title is how much it is liked, whatever one’s taste. ${sureness(found)}`),
    el('div', { class: 'columns' }, list(found.higher, 0), list(found.lower, 1)),
    pairLegend(names),
  ];
});

const sureness = ({ items, sure }) => sure === null
  ? `These are the largest differences among the ${plural(items, 'title')} with enough ratings in both.`
  : `Of ${plural(items, 'title')} with enough ratings in both, ${sure || 'none'} differ${sure === 1 ? 's' : ''} by more than the 90% intervals allow for.`;

function difference(one, names, max) {
  const values = [one.bias, one.other_bias];
  return el('li', { 'data-item': one.id },
    itemLink(one),
    el('span', { class: 'value' }, el('span', { class: 'visually-hidden' }, `${names[0]} `), signed(values[0]), ' · ', el('span', { class: 'visually-hidden' }, `${names[1]} `), signed(values[1])),
    twoTracks(-max, max, values.map((position) => ({ position }))));
}

const MEASURES = { ndcg: 'nDCG@10 of lists: higher is better', recall: 'Recall@10 of lists: higher is better', rmse: 'RMSE of expected ratings: lower is better', mae: 'Mean absolute error: lower is better' };

/** The accuracy of both, measured when a button is pressed. */
export function accuracy() {
  const node = el('div', { class: 'measured' });
  let isOpen = true;
  const button = el('button', { type: 'button', class: 'button', 'data-action': 'measure' }, 'Measure it');
  const measure = async () => {
    button.disabled = true;
    const found = await request('compare/accuracy', { body: {} });
    if (!isOpen) return;
    if (found.why_not || found.scores) {
      node.replaceChildren(...(found.why_not ? [unknown(found.why_not)] : scores(found)));
      node.querySelector('[tabindex]')?.focus({ preventScroll: true });
    } else {
      status.textContent = 'Fitting both models again, in the background. This takes about as long as fitting them took.';
      setTimeout(() => measure().catch(failed), POLL_MS);
    }
  };
  const status = el('p', { class: 'soft', role: 'status' });
  const failed = (error) => {
    button.disabled = false;
    status.replaceChildren(errorNote(error));
  };
  button.addEventListener('click', () => measure().catch(failed));
  node.append(
    el('p', {}, 'Ratings that neither model has seen decide that. A random fifth of those that both were fitted to is held out, and both are fitted again without them.'),
    button, status);
  return { node, close: () => { isOpen = false; } };
}

function scores({ scores: found, sentence, held_out: heldOut, people }) {
  const chart = ([measure, caption]) => {
    const known = found.filter((one) => one[measure] !== null);
    if (!known.length) return '';
    const best = (measure === 'ndcg' || measure === 'recall' ? Math.max : Math.min)(...known.map((one) => one[measure]));
    return el('div', { 'data-measure': measure }, el('h3', {}, caption), bars(known.map((one) => ({ name: one.name, value: one[measure], digits: 3, ours: one[measure] === best })), caption));
  };
  return [
    el('p', { class: 'sentence', tabindex: -1 }, sentence),
    el('div', { class: 'columns' }, ...Object.entries(MEASURES).map(chart)),
    el('p', { class: 'soft' }, `On ${count(heldOut)} held-out ratings or picks of ${plural(people, 'person', 'people')}.`),
  ];
}

const unknown = (reason) => el('p', { class: 'note' }, `Not known: ${capitalized(reason)}.`);
