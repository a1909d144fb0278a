// SPDX-License-Identifier: MIT

package mtdb

import "context"

type tenantKey struct{}

// WithTenant returns a context whose calls are made in a tenant. The innermost one counts; an empty id is none.
func WithTenant(ctx context.Context, tenant string) context.Context {
	return context.WithValue(ctx, tenantKey{}, tenant)
}

// TenantFrom returns the tenant that a context names.
func TenantFrom(ctx context.Context) (tenant string, ok bool) {
	tenant, _ = ctx.Value(tenantKey{}).(string)
	return tenant, tenant != ""
}

func tenantOf(ctx context.Context) (string, error) {
	if tenant, ok := TenantFrom(ctx); ok {
		return tenant, nil
	}
	return "", ErrNoTenant
}

// sameTenant allows a context without a tenant, or with the one that a lease is bound to.
func sameTenant(ctx context.Context, bound string) error {
	if tenant, ok := TenantFrom(ctx); ok && tenant != bound {
		return ErrOtherTenant
	}
	return nil
}
