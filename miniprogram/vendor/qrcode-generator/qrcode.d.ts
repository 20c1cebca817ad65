/** Types of the part that the mini-program uses; the package's own describe a global. */
declare function qrcode(
  typeNumber: number,
  level: 'L' | 'M' | 'Q' | 'H',
): {
  addData(data: string, mode: 'Numeric'): void;
  make(): void;
  getModuleCount(): number;
  isDark(row: number, column: number): boolean;
};
export = qrcode;
