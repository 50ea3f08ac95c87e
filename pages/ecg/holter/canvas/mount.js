// The place of a paper; what draws comes once by a component of its own, and may come later.
export default function (place) {
  if (hub.mount) return hub.mount(place);
  let closed = false,
    close = null;
  (hub.waiting ??= []).push(() => {
    if (!closed) close = hub.mount(place);
  });
  return () => {
    closed = true;
    close?.();
  };
}
