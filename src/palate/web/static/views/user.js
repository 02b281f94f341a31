import { latestOnly, request } from '../api.js';
import { el, renderInto, section } from '../dom.js';
import { historyText } from '../format.js';
import { favourites, listSwitch, portrait, rankedBy, recommendations, surprises } from '../people.js';
import { go, href } from '../router.js';

const HISTORY = { ratings: 'Favourites', counts: 'Picked most often', events: 'History' };

export async function show({ id, params: first }, summary) {
  const page = await request(`users/${encodeURIComponent(id)}`);
  const box = el('div', { class: 'tall', 'data-list': 'recommendations' });
  const person = { user: page.user };
  const lists = listSwitch(summary, (by) => go(href(['user', id], { by }), { replace: true }));
  const latest = latestOnly();
  const refresh = (params) => {
    const by = rankedBy(params.get('by'), summary);
    lists.set(by);
    return renderInto(box, latest(async (signal) => {
      const found = await request('recommendations', { body: { ...person, n: 10, by, reasons: true }, signal });
      return recommendations(found.recommendations, person, summary);
    }));
  };
  const compare = el('p', { class: 'actions' }, el('a', { class: 'button quiet', href: href(['compare', 'people'], { a: page.user }) }, 'Compare with ...'));
  const forThem = section('For you', 'recommendations', lists.node, lists.text, box);
  return {
    title: `User ${page.user}`,
    lead: `${historyText(page)}. Below, “you” means this person.`,
    body: [compare, ...(page.portrait ? [
      section('Portrait', 'portrait', portraitOf(page, summary)),
      el('div', { class: 'columns' }, history(page, summary),
        section('Surprises', 'surprises', el('p', { class: 'soft' }, 'The ratings that differ most from what the model expects of this person.'), surprises(page.portrait.surprises))),
      forThem,
    ] : [el('div', { class: 'columns' }, forThem, history(page, summary))])],
    mounted: () => refresh(first),
    update: ({ params }) => refresh(params),
  };
}

function portraitOf(page, summary) {
  const chart = portrait(summary);
  chart.set(page.portrait);
  return chart.node;
}

function history({ favourites: found, ratings }, summary) {
  const isLong = summary.kind !== 'ratings' && ratings > found.length;
  return section(HISTORY[summary.kind], 'favourites', favourites(found, summary),
    isLong && el('p', { class: 'soft' }, `${found.length} of ${ratings} items are listed.`));
}
