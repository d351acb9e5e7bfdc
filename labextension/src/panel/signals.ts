import { ISignal } from '@lumino/signaling';
import * as React from 'react';

/**
 * The state of a model, rendered anew when the model says that it changed.
 */
export function useModelState<M, S>(model: {
  readonly state: S;
  readonly stateChanged: ISignal<M, S>;
}): S {
  return React.useSyncExternalStore(
    React.useCallback(
      notify => {
        const changed = (): void => notify();
        model.stateChanged.connect(changed);
        return () => {
          model.stateChanged.disconnect(changed);
        };
      },
      [model]
    ),
    () => model.state
  );
}

/**
 * The present, again every half minute: for times told as "2 minutes ago".
 */
export function useNow(): number {
  const [now, setNow] = React.useState(Date.now());
  React.useEffect(() => {
    const timer = setInterval(() => setNow(Date.now()), 30000);
    return () => clearInterval(timer);
  }, []);
  return now;
}
