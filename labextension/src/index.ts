import { JupyterFrontEndPlugin } from '@jupyterlab/application';

const plugin: JupyterFrontEndPlugin<void> = {
  id: 'jupyter-mlops:runs',
  description: 'x',
  autoStart: true,
  activate: () => {}
};
export default plugin;
