/** Return the smallest of the steps 1, 2, 5, 10, 20, ... with at most `max` steps in a span. */
export function tickStep(span, max) {
  const power = 10 ** Math.floor(Math.log10(span / max));
  return [1, 2, 5, 10].map((m) => m * power).find((step) => span / step <= max * (1 + 1e-9));
}

/** Return the ticks between two values as {at, label}. */
export function linearTicks(low, high, max) {
  const step = tickStep(high - low, max);
  const decimals = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  const first = Math.ceil(low / step - 1e-9);
  const count = Math.max(0, Math.floor(high / step + 1e-9) - first + 1);
  return Array.from({ length: count }, (_, i) => ({ at: (first + i) * step, label: text((first + i) * step, decimals) }));
}

/** Return the ticks of a logarithmic axis between two powers of ten; `at` is the exponent. */
export function logTicks(low, high, max) {
  const fitting = [[1], [1, 5], [1, 2, 5]].map((multiples) => logarithms(low, high, multiples)).filter((ticks) => ticks.length >= 3 && ticks.length <= max);
  if (fitting.length) return fitting.at(-1);
  if (high - low > 2) {
    const every = Math.ceil((high - low) / max);
    return logarithms(low, high, [1]).filter(({ at }) => at % every === 0);
  }
  return linearTicks(10 ** low, 10 ** high, max).filter(({ at }) => at > 0).map(({ at, label }) => ({ at: Math.log10(at), label }));
}

function logarithms(low, high, multiples) {
  const ticks = [];
  for (let power = Math.floor(low); power <= high; power += 1) {
    for (const multiple of multiples) {
      const at = power + Math.log10(multiple);
      if (at >= low && at <= high) ticks.push({ at, label: text(multiple * 10 ** power, Math.max(0, -power)) });
    }
  }
  return ticks;
}

/** Years have no comma, and numbers of five and more digits have. */
function text(value, decimals) {
  const options = { minimumFractionDigits: decimals, maximumFractionDigits: decimals, useGrouping: 'min2' };
  return (Math.abs(value) < 1e-12 ? 0 : value).toLocaleString('en', options).replace('-', '−');
}
