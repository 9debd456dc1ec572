/** What a client may do: look, or also make a person's moves. */
export type Access = 'read' | 'move';
