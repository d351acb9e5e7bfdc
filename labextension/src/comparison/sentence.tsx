import * as React from 'react';

/**
 * A sentence whose back-ticked pieces are code. No line ends before a per cent sign.
 */
export function sentenceWithCode(sentence: string): React.ReactNode[] {
  return sentence
    .replace(/ %/g, '\u00a0%')
    .split('`')
    .map((piece, index) =>
      index % 2 === 1 ? <code key={index}>{piece}</code> : piece
    );
}
