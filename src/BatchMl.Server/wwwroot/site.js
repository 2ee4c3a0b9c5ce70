(function () {
    'use strict';

    // Light and dark: the system's, until somebody chooses.
    document.getElementById('theme').addEventListener('click', function () {
        var root = document.documentElement;
        var isDark = root.dataset.theme ? root.dataset.theme === 'dark' : matchMedia('(prefers-color-scheme: dark)').matches;
        root.dataset.theme = isDark ? 'light' : 'dark';
        try { localStorage.setItem('theme', root.dataset.theme); } catch (e) { /* for this page only */ }
    });

    // A calendar is one stop of the Tab key; arrows go from day to day.
    document.addEventListener('keydown', function (e) {
        var day = e.target.closest && e.target.closest('.calendar a');
        if (!day) return;
        var step = { ArrowUp: [0, -1], ArrowDown: [0, 1], ArrowLeft: [-1, 0], ArrowRight: [1, 0] }[e.key];
        if (!step && e.key !== 'Home' && e.key !== 'End') return;
        var days = Array.prototype.slice.call(day.closest('.calendar').querySelectorAll('a'));
        var at = days.indexOf(day);
        var next = e.key === 'Home' ? days[0] : e.key === 'End' ? days[days.length - 1] : days[at + step[1] + 7 * step[0]];
        e.preventDefault();
        if (!next) return;
        day.setAttribute('tabindex', '-1');
        next.setAttribute('tabindex', '0');
        next.focus();
    });

    // What is hard to take back is asked about first.
    document.addEventListener('submit', function (e) {
        var question = e.target.dataset && e.target.dataset.confirm;
        if (question && !window.confirm(question)) { e.preventDefault(); return; }
        // A second click must not ask twice.
        var button = e.submitter;
        if (button) setTimeout(function () { button.disabled = true; }, 0);
    });
    addEventListener('pageshow', function (e) {
        if (e.persisted) document.querySelectorAll('button:disabled').forEach(function (b) { b.disabled = false; });
    });

    // Parts that renew themselves rest while somebody is in them, so that focus and selection stay, and while nobody looks.
    document.body.addEventListener('htmx:beforeRequest', function (e) {
        if (e.detail.elt.hasAttribute('data-live') && (document.hidden || e.detail.elt.contains(document.activeElement))) e.preventDefault();
    });
})();
