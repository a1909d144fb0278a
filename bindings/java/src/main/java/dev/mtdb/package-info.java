// SPDX-License-Identifier: MIT
/** Multi-tenant access to SQL databases: {@link dev.mtdb.Db} is where it begins. */
package dev.mtdb;
