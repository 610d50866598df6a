const root = document.documentElement;
const current = () => root.dataset.theme ?? (matchMedia('(prefers-color-scheme: dark)').matches ? 'dark' : 'light');
const button = document.querySelector('.theme');
if (button) {
  const name = () => {
    button.textContent = current() === 'dark' ? 'Light theme' : 'Dark theme';
  };
  button.hidden = false;
  name();
  button.addEventListener('click', () => {
    root.dataset.theme = current() === 'dark' ? 'light' : 'dark';
    try {
      localStorage.setItem('theme', root.dataset.theme);
    } catch {
      // The choice holds for this page.
    }
    name();
  });
}
for (const copy of document.querySelectorAll('.copy')) {
  if (!navigator.clipboard) break;
  copy.hidden = false;
  copy.addEventListener('click', async () => {
    await navigator.clipboard.writeText(copy.parentElement.querySelector('code').textContent);
    copy.textContent = 'Copied';
    setTimeout(() => {
      copy.textContent = 'Copy';
    }, 1500);
  });
}
// One receipt at a time; Escape closes it.
document.addEventListener(
  'toggle',
  (event) => {
    if (!event.target.open || !event.target.matches('.receipt')) return;
    for (const other of document.querySelectorAll('.receipt[open]')) if (other !== event.target) other.open = false;
  },
  true,
);
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return;
  const open = document.querySelector('.receipt[open]');
  if (!open) return;
  open.open = false;
  open.querySelector('summary').focus();
});
