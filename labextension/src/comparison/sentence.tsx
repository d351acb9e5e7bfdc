import * as React from 'react';

/** Back-ticked code, or a number with its per cent sign. */
const PIECES = /(`[^`]*`|\d[\d.,]* %)/;

/**
 * A sentence whose back-ticked pieces are code, and in which no line ends before a
 * per cent sign.
 */
export function sentenceWithCode(sentence: string): React.ReactNode[] {
  return sentence.split(PIECES).map((piece, index) => {
    if (index % 2 === 0) {
      return piece;
    }
    return piece.startsWith('`') ? (
      <code key={index}>{piece.slice(1, -1)}</code>
    ) : (
      <span key={index} className="jp-Mlops-unbroken">
        {piece}
      </span>
    );
  });
}
