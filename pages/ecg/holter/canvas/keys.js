// Keys, taken before the page sees them, so that none waits for the server or is lost to it.
const EDITS = ["n", "s", "v", "f", "q", "x", "d", "y"],
  ASKS = ["w", "g"];
const GAINS = [5, 10, 20];
const untyped = ["checkbox", "radio", "range", "button", "submit"];
const NAME = ".st-key-holter-reviewer";
const OWN_ARROWS =
  "[role=slider],[role=tab],[role=radio],[role=listbox],[role=option],[role=grid],[role=menu],.stDataFrame,[data-testid=stDataFrame]";

function inner() {
  let found = document.activeElement;
  while (found?.shadowRoot?.activeElement) found = found.shadowRoot.activeElement;
  return found;
}

const typing = (element) =>
  element &&
  (element.isContentEditable ||
    (["INPUT", "TEXTAREA", "SELECT"].includes(element.tagName) && !untyped.includes(element.type)));

/** What a key means: its name, or null for one that is the page's. */
function meant(event) {
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key,
    command = event.ctrlKey || event.metaKey;
  if (command) {
    if (event.altKey) return null;
    if (key === "z") return event.shiftKey ? "redo" : "undo";
    return key === "y" && !event.shiftKey ? "redo" : null;
  }
  if (event.altKey) return null;
  if (event.shiftKey && ["s", "v", "f"].includes(key)) return `next ${key}`;
  if (["ArrowLeft", "ArrowRight"].includes(key))
    return (event.shiftKey ? "beat " : "view ") + (key === "ArrowLeft" ? "-1" : "1");
  if (["ArrowUp", "ArrowDown"].includes(key)) return event.shiftKey ? null : `gain ${key === "ArrowUp" ? 1 : -1}`;
  if (key === "+" || key === "=" || key === "-") return `gain ${key === "-" ? -1 : 1}`;
  if (event.shiftKey) return null;
  if (["Home", "End", "Escape"].includes(key)) return key;
  if (key === "j" || key === "k") return key === "j" ? "next" : "back";
  if (key === "m") return "measure";
  return EDITS.includes(key) || ASKS.includes(key) || key === "a" ? key : null;
}

function pressed(paper, event) {
  const focus = inner();
  if (event.key === "Enter" && !event.isComposing && focus?.closest?.(NAME) && paper.shown())
    setTimeout(() => paper.canvas.focus({ preventScroll: true })); // the next letters are labels, not of the name
  if (typing(focus) || document.querySelector('[role="dialog"], [data-testid="stPopoverBody"] :focus')) return;
  const key = meant(event);
  if (!key || !paper.shown()) return;
  if (/^(view|beat|gain|Home|End)/.test(key) && focus?.closest?.(OWN_ARROWS) && !paper.root.contains(focus)) return;
  if (event.repeat && !/^(view|beat|next|back)/.test(key)) {
    event.preventDefault();
    event.stopImmediatePropagation();
    return;
  }
  if (!paper.act(key)) return;
  event.preventDefault();
  event.stopImmediatePropagation();
}
