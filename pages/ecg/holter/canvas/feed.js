// Takes bytes to a paper of this page: its beats, or tiles of its signal. Draws nothing.
export default function ({ data, setStateValue }) {
  if (!data) return undefined;
  const mark = String.fromCharCode(...data.subarray(0, MARK)),
    place = data[MARK],
    kind = KINDS[data[MARK + 1]];
  const feed = (hub.feeds[`${place} ${kind}`] ??= { mark: "", turn: 0, message: null });
  feed.send = setStateValue;
  if (feed.mark === mark) {
    hub.papers[place]?.fed(kind, null);
    return undefined;
  }
  feed.mark = mark;
  const turn = ++feed.turn;
  opened(data).then((message) => {
    if (turn !== feed.turn) return;
    feed.message = message;
    hub.papers[place]?.fed(kind, message);
  });
  return undefined;
}
