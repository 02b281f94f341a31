import { request } from '../api.js';
import { el, renderInto, section } from '../dom.js';
import { number, plural } from '../format.js';
import { favourites, portrait, recommendations, surprises } from '../people.js';

export async function show({ id }, summary) {
  const page = await request(`users/${encodeURIComponent(id)}`);
  const chart = portrait(summary);
  chart.set(page.portrait);
  const box = el('div', { class: 'tall' });
  const person = { user: page.user };
  const recommend = () => request('recommendations', { body: { ...person, n: 10, reasons: true } });
  return {
    title: `User ${page.user}`,
    lead: `${plural(page.ratings, 'rating')}, ${number(page.mean)} on average. Below, “you” means this person.`,
    body: [
      section('Portrait', 'portrait', chart.node),
      el('div', { class: 'columns' },
        section('Favourites', 'favourites', favourites(page.favourites)),
        section('Surprises', 'surprises', el('p', { class: 'soft' }, 'The ratings that differ most from what the model expects of this person.'), surprises(page.portrait.surprises))),
      section('Recommendations', 'recommendations', box),
    ],
    mounted: () => renderInto(box, recommend().then((found) => recommendations(found.recommendations, person, summary))),
  };
}
