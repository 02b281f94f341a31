import { request } from '../api.js';
import { el, renderInto, section } from '../dom.js';
import { PICKS_ONLY, count, followers, hasRatings, number, percent, plural, short, signed } from '../format.js';
import { itemLink, ranking } from '../links.js';
import { href, tryHref } from '../router.js';
import { evaluationSection } from './evaluation.js';
import { fit } from './fit.js';

const MAX_CONTRASTED = 5;

export async function show(_, summary) {
  const liked = el('div', { class: 'liked columns' });
  const contrasted = el('div', { class: 'liked columns' });
  const evaluation = evaluationSection(summary);
  return {
    title: 'Overview',
    heading: hasRatings(summary) ? `What ${people(summary)} think of ${count(summary.items)} items` : `What ${people(summary)} pick from ${count(summary.items)} items`,
    lead: lead(summary),
    body: [
      ways(summary),
      facts(summary),
      evaluation.node,
      ...(hasRatings(summary) ? [
        section('What people like, whatever their taste', 'liked', el('p', {}, BIAS), liked, summary.sure && el('p', { class: 'soft' }, 'In cautious order: of the range in which a bias lies with 90% certainty (its interval), the end that is nearest to zero counts, so that a few enthusiasts do not make a favourite.')),
        section('Picked often, picked rarely', 'popularity', el('p', {}, POPULARITY), contrasted),
        section('How tastes differ', 'axes', el('p', {}, AXES), ...summary.axes.slice(0, 3).map((axis) => axisCard(axis))),
      ] : [section('What most people pick', 'liked', el('p', { class: 'note' }, PICKS_ONLY), liked)]),
      section('How it was fitted', 'fit', ...fit(summary)),
    ],
    mounted: () => {
      renderInto(liked, hasRatings(summary) ? mostLiked(summary) : mostPicked());
      if (hasRatings(summary)) renderInto(contrasted, popularity(summary));
      evaluation.start();
    },
    close: evaluation.close,
  };
}

const BIAS =
  'The bias of an item is how much higher it is rated than average, after allowing for the tastes and rating habits of the people who rated it. An item with a high bias is liked even by people who do not usually like its kind.';
const POPULARITY =
  'How often an item is picked is another matter than how it is liked. Each item is compared with others that are liked as well: the number says how many times as often as those it is picked.';
const AXES =
  'The model places people and items on axes of taste. An item at one end is rated higher by people on the same side and lower by those on the other. The model learned the axes from the ratings alone; they are named after what the items at their ends have in common.';

const people = ({ users }) => (users ? `${count(users)} people` : 'people');

function lead(summary) {
  const from = `From ${summary.ratings ? `${count(summary.ratings)} ` : ''}${summary.kind}, Palate learned `;
  if (!hasRatings(summary)) return `${from}what is picked by the same people. Pick a few, and it recommends more and says why.`;
  return `${from}how well each item is liked, which tastes there are, and who would like what. Rate a few, and it recommends more, says why, and how sure it is.`;
}

/** Where a reader can go from here. */
function ways(summary) {
  const isRated = hasRatings(summary);
  const way = (address, name, text) => el('li', {}, el('a', { href: address }, el('strong', {}, name), el('span', {}, text)));
  return el('nav', { 'aria-label': 'Start here' }, el('ul', { class: 'ways' },
    way(tryHref(), 'Try it on yourself', `${summary.scale.length ? 'Rate' : 'Pick'} a few and see what it makes of you.`),
    way('#/items', 'Browse the items', isRated ? 'What is liked most, and what is better than its mean rating.' : 'What is picked most, and what goes with it.'),
    isRated && way('#/map', 'See the map', 'What lies together is liked by the same people.'),
    summary.users && way('#/users', 'Meet the people', isRated ? 'The taste of each, and how well it is foretold.' : 'What each has picked, and would pick next.')));
}

function facts(summary) {
  const fact = (name, value) => el('div', {}, el('dt', {}, name), el('dd', {}, value));
  return el('div', {},
    el('dl', { class: 'counts', 'data-section': 'counts' },
      summary.ratings && fact(summary.kind, count(summary.ratings)),
      fact('Items', count(summary.items)),
      summary.users && fact('People', count(summary.users)),
      summary.scale.length > 0 && fact('Scale', `${short(summary.scale[0])} to ${short(summary.scale.at(-1))}`),
      summary.noise_sd !== null && fact('Typically off by', number(summary.noise_sd))),
    el('p', { class: 'source' }, `Source: ${summary.source}`));
}

async function mostLiked({ sure }) {
  const [highest, lowest] = sure ? ['lower', 'upper'] : ['bias', 'bias'];
  const list = async (heading, sort, descending) => {
    const { items } = await request('items', { query: { sort, descending, size: 5 } });
    return el('div', {}, el('h3', {}, heading), ranking(items, { note: ({ bias }) => signed(bias) }),
      seeAll(href(['items'], { sort, descending: descending ? null : false }), `See all, ${heading.toLowerCase()} first`));
  };
  return Promise.all([list('Highest bias', highest, true), list('Lowest bias', lowest, false)]);
}

const seeAll = (address, name) => el('p', {}, el('a', { href: address, 'aria-label': name }, 'See all'));

/** Return what is picked often but liked little, and rarely but well liked. */
async function popularity({ sure }) {
  const { often, rarely, min_ratings: least } = await request('popularity');
  const none = `Of the items with at least ${plural(least, 'rating')} none is${sure ? ' certain to be' : ''} so.`;
  const list = (heading, items) =>
    el('div', {}, el('h3', {}, heading), ranking(items.slice(0, MAX_CONTRASTED), { note: ({ beyond_taste: times }) => `${number(times)} times`, none }));
  return [list('Picked often, liked little', often), list('Picked rarely, well liked', rarely)];
}

async function mostPicked() {
  const { items } = await request('items', { query: { sort: 'ratings', size: 10 } });
  return el('div', {}, ranking(items, { note: followers }), seeAll('#/items', 'See all items, the most picked first'));
}

function axisCard(axis) {
  const all = [...axis.low, ...axis.high];
  const max = Math.max(...all.map(({ position }) => Math.abs(position)));
  const side = (heading, exemplars) => el('div', {}, el('h4', {}, heading), el('ul', {}, exemplars.slice(0, 5).map((one) => el('li', {}, itemLink(one)))));
  return el('article', { class: 'card axis-card', 'data-axis': axis.axis },
    el('h3', {}, `Axis ${axis.axis}`, el('small', {}, `${percent(axis.share)} of what all axes explain`)),
    el('span', { class: 'track', 'aria-hidden': 'true' }, all.map(({ position }) => el('b', { style: { left: `${50 + (50 * position) / max}%` } }))),
    el('div', { class: 'columns' }, side(axis.low_end, axis.low), side(axis.high_end, axis.high)));
}
