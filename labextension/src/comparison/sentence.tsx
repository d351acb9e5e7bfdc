import * as React from 'react';

/**
 * A sentence whose back-ticked pieces are code.
 */
export function sentenceWithCode(sentence: string): React.ReactNode[] {
  return sentence
    .split('`')
    .map((piece, index) =>
      index % 2 === 1 ? <code key={index}>{piece}</code> : piece
    );
}
