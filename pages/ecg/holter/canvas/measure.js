// Calipers: what a box says, and how it snaps to R peaks.
const SNAP_PX = 8;

/** Of a measured box: ms, 1/min and, within one lead, mV; with `qt` also QTc by the RR before its beat. */
function reading(s, g) {
  const box = s.calipers,
    from = Math.min(box.from, box.to),
    to = Math.max(box.from, box.to),
    ms = Math.round((to - from) * 1000);
  const lane = laneAt(g, box.y0),
    mm = Math.abs(box.y1 - box.y0) / g.mm;
  const mV =
    lane && lane.unit === "mV" && laneAt(g, box.y1) === lane
      ? mm / (Math.abs(lane.scale) * (s.gain / s.paper.gain))
      : null;
  const rate = ms > 0 ? ` · ${Math.round(60000 / ms)} /min` : "";
  const lines = [`${ms} ms${rate}${mV === null ? "" : ` · ${mV.toFixed(2)} mV`}`];
  const found = { from, to, ms, rate: ms > 0 ? 60000 / ms : null, mV, lead: lane?.lead ?? null };
  if (s.qt) Object.assign(found, corrected(s, from, to, ms));
  if (s.qt)
    lines.push(
      found.qtc
        ? `QT ${ms} ms · QTc ${found.qtc.bazett} ms (Bazett), ${found.qtc.fridericia} ms (Fridericia) · RR ${found.rr_ms} ms`
        : `QTc not assessed: ${found.why}`,
    );
  return { ...found, lines };
}

/** QT in ms, of a box from the QRS onset to the end of T; RR is the interval before the beat in the box. */
function corrected(s, from, to, ms) {
  const beats = s.beats;
  if (!beats) return { why: "the beats are not known yet" };
  let i = beats.from(from);
  while (i < beats.n && beats.gone[i]) i++;
  if (i >= beats.n || beats.time[i] > to) return { why: "there is no R peak in the box" };
  let before = i - 1;
  while (before >= 0 && beats.gone[before] === 1) before--;
  const rr = before < 0 || beats.flags[i] & 4 || beats.gone[before] ? NaN : beats.time[i] - beats.time[before];
  if (!(rr > 0.2 && rr < 3)) return { why: "there is no RR interval before this beat" };
  if (ms < 150 || ms > 800) return { why: "this is no QT interval (150 to 800 ms)" };
  return {
    rr_ms: Math.round(rr * 1000),
    qtc: { bazett: Math.round(ms / Math.sqrt(rr)), fridericia: Math.round(ms / Math.cbrt(rr)) },
  };
}

function laneAt(g, y) {
  return g.lanes.filter((lane) => y >= lane.high - 1 && y <= lane.low + 1)[0] ?? g.lanes[0];
}

/** A time at the R peak next to it, where one is near enough on the screen. */
function snapped(s, time_s, second) {
  if (!s.beats || !s.snap) return time_s;
  const i = s.beats.nearest(time_s);
  return i >= 0 && Math.abs(s.beats.time[i] - time_s) * second <= SNAP_PX ? s.beats.time[i] : time_s;
}
