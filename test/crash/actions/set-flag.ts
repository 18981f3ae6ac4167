export { default } from '../../../actions/set-flag.ts';
