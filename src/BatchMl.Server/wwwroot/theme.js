// In the head, so that a page is never first drawn in the other colours.
(function () {
    var chosen = null;
    try { chosen = localStorage.getItem('theme'); } catch (e) { /* no storage: the system's colours */ }
    if (chosen === 'dark' || chosen === 'light') document.documentElement.dataset.theme = chosen;
})();
