// Light or dark, as the visitor chooses. A classic script, not a module, because it has to run before the page is
// first drawn, so that no other colours flash. Whoever draws with colours listens to "themechange" on the document.
(() => {
  const KEY = 'palate-theme';
  const CHOICES = {
    system: { name: 'as on this device', media: '(prefers-color-scheme: dark)', scheme: '' },
    light: { name: 'light', media: 'not all', scheme: 'light' },
    dark: { name: 'dark', media: 'all', scheme: 'dark' },
  };
  // theme.css has the dark colours once, for devices that prefer them; the choice changes when they apply.
  const rules = [...document.styleSheets].flatMap(({ cssRules }) => [...cssRules]).filter(({ media }) => media?.mediaText.includes('prefers-color-scheme: dark'));
  let choice = 'system';

  const apply = (chosen) => {
    choice = Object.hasOwn(CHOICES, chosen ?? '') ? chosen : 'system';
    const { media, scheme } = CHOICES[choice];
    document.documentElement.dataset.theme = choice;
    document.documentElement.style.colorScheme = scheme;
    for (const rule of rules) rule.media.mediaText = media;
    label();
    document.dispatchEvent(new Event('themechange'));
  };
  const label = () => {
    const button = document.getElementById('theme'); // not there yet when this runs for the first time
    button?.setAttribute('aria-label', `Colours: ${CHOICES[choice].name}`);
    button?.setAttribute('title', `Colours: ${CHOICES[choice].name}`);
  };
  const choose = () => {
    const names = Object.keys(CHOICES);
    apply(names[(names.indexOf(choice) + 1) % names.length]);
    document.getElementById('announcement').textContent = `Colours: ${CHOICES[choice].name}`;
    try {
      localStorage.setItem(KEY, choice);
    } catch {
      // Where nothing can be stored, the choice lasts as long as the page.
    }
  };

  try {
    apply(localStorage.getItem(KEY));
  } catch {
    apply('system');
  }
  matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => apply(choice));
  addEventListener('storage', ({ key, newValue }) => key === KEY && apply(newValue)); // chosen in another tab
  addEventListener('DOMContentLoaded', () => {
    label();
    document.getElementById('theme').addEventListener('click', choose);
  });
})();
