// Whether what the SDK parsed is what the venue said, and sums without rounding.

import assert from "node:assert/strict";

const snake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);

// Compares every camel-case member of a model with the snake-case member of the JSON.
export function assertAgrees(parsed, said, path = "") {
  if (parsed instanceof Date) {
    assert.equal(parsed.getTime(), new Date(said).getTime(), path);
  } else if (parsed === undefined || parsed === null) {
    assert.equal(said, null, path);
  } else if (Array.isArray(parsed)) {
    assert.equal(parsed.length, said.length, path);
    parsed.forEach((one, index) => assertAgrees(one, said[index], `${path}[${index}]`));
  } else if (typeof parsed === "object") {
    const members = Object.entries(parsed)
      .map(([name, value]) => [name in said ? name : snake(name), value])
      .filter(([key]) => key in said);
    assert.ok(members.length > 0 || Object.keys(said).length === 0, `${path}: nothing in common`);
    members.forEach(([key, value]) => assertAgrees(value, said[key], `${path}.${key}`));
  } else {
    assert.equal(parsed, said, path);
  }
}

const PLACES = 18;

// A decimal text as an exact integer of 10^-18.
export function exact(text) {
  const match = /^(-?)(\d+)(?:\.(\d+))?$/.exec(String(text));
  assert.ok(match, `${text} is no decimal`);
  const [, sign, whole, fraction = ""] = match;
  const value = BigInt(whole + fraction.padEnd(PLACES, "0"));
  return sign ? -value : value;
}

// The product of two exact numbers; it must need no more than 18 places.
export function times(one, other) {
  const scale = 10n ** BigInt(PLACES);
  const product = one * other;
  assert.equal(product % scale, 0n, "more than 18 places");
  return product / scale;
}
