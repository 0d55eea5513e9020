/** The look of the page of the dashboard, as far as a report needs it. */
export const STYLE = `
:root {
  color-scheme: light dark;
  --page: light-dark(#f5f4fa, #0b0a13);
  --panel: light-dark(#ffffff, #14131f);
  --edge: light-dark(#e4e1ee, #282539);
  --ink: light-dark(#17142a, #f0eef9);
  --muted: light-dark(#5b5772, #a5a1bd);
  --accent: light-dark(#5b3fd0, #a594ff);
  --track: light-dark(#efedf6, #211f31);
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--page); color: var(--ink); font: 15px/1.5 "Inter", "Segoe UI", system-ui, sans-serif; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 320px), 1fr)); gap: 16px; max-width: 1200px; margin: 0 auto; padding: 24px 16px; }
h1, .about, .figures, .wide { grid-column: 1 / -1; margin: 0; }
h1 { font-size: 26px; overflow-wrap: anywhere; }
h2 { margin: 0 0 10px; font-size: 15px; }
.about { color: var(--muted); }
a { color: var(--accent); }
.panel, .figures div { min-width: 0; padding: 16px; border: 1px solid var(--edge); border-radius: 16px; background: var(--panel); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(130px, 1fr)); gap: 16px; }
dt { color: var(--muted); font-size: 13px; }
dd { margin: 0; font-size: 22px; font-weight: 600; font-variant-numeric: tabular-nums; }
.bars { display: grid; gap: 8px; margin: 0; padding: 0; list-style: none; font-size: 14px; }
.bars li { display: grid; grid-template-columns: minmax(0, 1fr) auto 3.8em; column-gap: 10px; row-gap: 3px; }
.name { overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.number, .share { text-align: right; font-variant-numeric: tabular-nums; }
.share { color: var(--muted); }
.bar { grid-column: 1 / -1; width: 100%; height: 6px; border-radius: 3px; background: var(--track); }
.bar rect, .columns rect { fill: var(--accent); }
.columns { display: block; width: 100%; height: 200px; border-bottom: 1px solid var(--edge); }
.ends { display: flex; justify-content: space-between; margin: 4px 0 0; color: var(--muted); font-size: 13px; }
.heat { display: block; width: 100%; }
.heat text { fill: var(--muted); font-size: 13px; }
.s0 { fill: light-dark(#eceaf3, #252337); }
.s1 { fill: light-dark(#d9d2f7, #2f2857); }
.s2 { fill: light-dark(#b9abf0, #443a82); }
.s3 { fill: light-dark(#9480e4, #6152b4); }
.s4 { fill: light-dark(#6f55d2, #8475e0); }
.s5 { fill: light-dark(#4c31b3, #aa9dfa); }
.s6 { fill: light-dark(#2c1a78, #d8d1ff); }
@media print { .panel { break-inside: avoid; } }
`
