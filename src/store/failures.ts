/** What PostgreSQL's errors mean, told by SQLSTATE and the name of the constraint. */
import pg from 'pg';

export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return error instanceof pg.DatabaseError && error.code === '23505' && error.constraint === constraint;
}
