import { request } from '../api.js';
import { bars } from '../charts.js';
import { el, renderInto, section } from '../dom.js';
import { hasRatings, number, scoreName, short } from '../format.js';

const POLL_MS = 1000;

/** The section on how good the model is; it is measured when the reader asks for it. */
export function evaluationSection(summary) {
  const box = el('div', { class: 'scores' });
  let isOpen = true;
  const start = async () => {
    const running = measuring();
    box.replaceChildren(running);
    running.focus({ preventScroll: true });
    await follow(() => request('evaluation', { body: {} }));
  };
  const follow = async (ask) => {
    for (let next = ask; isOpen; next = () => request('evaluation')) {
      let result;
      await renderInto(box, next().then((found) => {
        result = found;
        return found.running ? [measuring()] : outcome(found, start);
      }));
      if (!result?.running) return;
      box.setAttribute('aria-busy', 'true');
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
    }
  };
  return {
    node: section(hasRatings(summary) ? 'How good is it?' : 'How good are its lists?', 'evaluation', noise(summary), box),
    start: () => follow(() => request('evaluation')),
    close: () => {
      isOpen = false;
    },
  };
}

function noise({ noise_sd: noiseSd, scale }) {
  return noiseSd !== null && scale.length > 0 && el('p', {}, 'Even of a person whom it knows well, a rating typically lies ', el('strong', {}, number(noiseSd)), ` from the one that it expects, on a scale from ${short(scale[0])} to ${short(scale.at(-1))}: people are not that consistent. How well does it do on ratings that it has never seen?`);
}

const measuring = () => el('p', { class: 'soft', role: 'status', tabindex: -1 }, 'Measuring: the model is fitted again without a fifth of its data, and so are simpler ones. You can go on reading.');

function outcome(result, start) {
  if (result.why_not) return [el('p', { class: 'note' }, `It can’t be measured here: ${result.why_not}.`)];
  if (result.scores) return scoreCharts(result);
  return [
    el('p', { class: 'actions' }, el('button', { type: 'button', class: 'button', on: { click: start } }, 'Measure it')),
    el('p', { class: 'soft' }, 'A fifth of the data is hidden, and the model is fitted again and has to foretell it, beside simpler ones. With 100,000 ratings this takes some ten seconds, with millions minutes.'),
  ];
}

const MEASURES = [
  { key: 'rmse', title: 'Typical error', text: 'How far a rating lies from the expected one, where large errors count more (the root mean squared error, RMSE). Lower is better.', digits: 2 },
  { key: 'mae', title: 'Mean error', text: 'The same, where all errors count alike (the mean absolute error, MAE). Lower is better.', digits: 2 },
  { key: 'ndcg', title: 'Order of its lists', text: 'How near the top of its lists those titles come that people went on to like: 1 if all are at the top (NDCG). Higher is better. People often pick what is popular, so that popularity alone does well here.', digits: 2 },
];

function scoreCharts({ scores, split, sentence }) {
  const chart = ({ key, title, text, digits }) => {
    // The expected ratings are the same, whatever the lists of this model are ranked by.
    const rows = scores.filter((one) => one[key] !== null && (key === 'ndcg' || one.ours || !one.part));
    if (!rows.length) return null;
    const scored = rows.map((one) => ({ name: scoreName(one), value: one[key], ours: one.ours, digits }));
    return el('div', { 'data-measure': key }, el('h3', {}, title), el('p', { class: 'soft' }, text), bars(scored, `${title} of the model and the baselines`));
  };
  return [
    sentence && el('p', { class: 'sentence' }, sentence),
    el('div', { class: 'columns three' }, MEASURES.map(chart)),
    el('p', { class: 'soft' }, `Measured on ${split}.`),
  ];
}
