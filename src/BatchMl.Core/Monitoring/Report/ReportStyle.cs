namespace BatchMl.Monitoring;

/// <summary>The report's style sheet. No markup characters in it: it stands in the page unescaped.</summary>
static class ReportStyle
{
    public const string Css = """

        :root { color-scheme: light dark; --page: #fdfdfc; --card: #f4f5f6; --ink: #1c2127; --muted: #59636e; --rule: #dfe3e7;
          --now: #1f66d1; --before: #9aa4af; --bad: #c4314b; --gap: #eceef0;
          --heat0: #e9edf1; --heat1: #fbe0a4; --heat2: #f5a651; --heat3: #d9533b; --heat4: #8a1730; --missing: #7a4fc0; }
        @media (prefers-color-scheme: dark) { :root { --page: #14171b; --card: #1d2126; --ink: #e6e9ec; --muted: #9ca6b1; --rule: #32383f;
          --now: #6ba6ff; --before: #78828d; --bad: #ff7b8f; --gap: #20252b;
          --heat0: #262c33; --heat1: #5c4a1c; --heat2: #a8671c; --heat3: #e0663c; --heat4: #ffb39b; --missing: #a98be8; } }
        * { box-sizing: border-box; }
        body { margin: 0 auto; max-width: 64rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--ink); font: 16px/1.5 system-ui, "Segoe UI", Roboto, "DejaVu Sans", sans-serif; }
        h1 { font-size: 1.7rem; line-height: 1.2; margin: 0 0 .25rem; overflow-wrap: anywhere; }
        h2 { font-size: 1.25rem; margin: 2.75rem 0 .5rem; }
        h3 { font-size: 1rem; margin: 1.5rem 0 .25rem; }
        p, li { max-width: 46rem; }
        code { font: .9em ui-monospace, Consolas, "DejaVu Sans Mono", monospace; overflow-wrap: anywhere; }
        .muted, figcaption, caption, .legend { color: var(--muted); }
        .facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem 1.5rem; background: var(--card); border-radius: .5rem; padding: 1rem; margin: 1rem 0; }
        .facts dt { color: var(--muted); font-size: .8rem; }
        .facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
        .summary { font-size: 1.05rem; padding-left: 1.2rem; }
        .summary li { margin: .3rem 0; }
        figure { margin: 1rem 0 1.5rem; }
        figure.narrow { max-width: 35rem; }
        .pair { display: flex; flex-wrap: wrap; gap: 0 2rem; } .pair figure { flex: 1 1 18rem; max-width: 29rem; }
        figcaption, .legend, caption { font-size: .85rem; }
        .scroll { overflow-x: auto; }
        .scroll svg { min-width: 42rem; }
        svg { display: block; width: 100%; height: auto; }
        svg text { font-size: 12px; fill: var(--muted); }
        svg .end { text-anchor: end; } svg .middle { text-anchor: middle; } svg .start { text-anchor: start; } svg .strong { font-weight: 700; fill: var(--ink); }
        .legend { display: flex; flex-wrap: wrap; gap: .25rem 1rem; margin: .25rem 0; align-items: center; }
        .key { white-space: nowrap; } .swatch { display: inline-block; width: .8em; vertical-align: -.05em; }
        .grid { stroke: var(--rule); stroke-width: 1; }
        .line { fill: none; stroke-width: 2; stroke-linejoin: round; }
        path.now { stroke: var(--now); } path.before { stroke: var(--before); }
        circle.now { fill: var(--now); } circle.before { fill: var(--before); } circle.faint { fill: var(--now); opacity: .4; }
        .level { stroke: var(--muted); stroke-width: 1; stroke-dasharray: 5 4; }
        .ribbon { fill: var(--now); opacity: .32; } .ribbon.wide { opacity: .16; }
        .bar.now { fill: var(--now); } .bar.before { fill: var(--before); } .bar.bad { fill: var(--bad); }
        .gap { fill: var(--gap); }
        .heat0 { fill: var(--heat0); } .heat1 { fill: var(--heat1); } .heat2 { fill: var(--heat2); } .heat3 { fill: var(--heat3); } .heat4 { fill: var(--heat4); } .missing { fill: var(--missing); }
        .chance { opacity: .4; }
        table { border-collapse: collapse; font-variant-numeric: tabular-nums; font-size: .9rem; margin: .75rem 0; min-width: 36rem; }
        caption { text-align: left; padding: .25rem 0; }
        th, td { padding: .3rem .9rem .3rem 0; border-bottom: 1px solid var(--rule); text-align: right; white-space: nowrap; }
        th { font-weight: 600; } th:first-child { text-align: left; } thead th { color: var(--muted); font-weight: 400; }
        details { border-top: 1px solid var(--rule); padding: .5rem 0; }
        details[open] { padding-bottom: 1rem; }
        summary { cursor: pointer; overflow-wrap: anywhere; } summary code { font-weight: 700; } summary .muted { font-size: .9rem; }
        @media print { body { max-width: none; } figure, table { break-inside: avoid; } }

        """;
}
